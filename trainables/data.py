"""`Data`: the training and validation examples of a task as arrays or a ``Dataset``, and the subset of each stage."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from trainables.datasets.array_likes import as_array
from trainables.datasets.items import NUMERIC
from trainables.datasets.labels import checked_labels, integer_labels
from trainables.datasets.map_style import check_dataset
from trainables.datasets.ragged import Ragged
from trainables.datasets.subset import Indices, class_indices, subset_indices
from trainables.errors import StageError, TaskError
from trainables.stages import Plan, Stage

Array: TypeAlias = "NDArray[Any] | Tensor | Ragged"
Arrays: TypeAlias = "tuple[Array, ...]"
Examples: TypeAlias = "Arrays | Dataset[Any]"
Batch: TypeAlias = "tuple[Tensor, ...]"

FROM_TARGETS: Any = "from targets"
"""The default labels: those that the last array gives."""


@dataclass(frozen=True, eq=False)
class Data:
    """Training and validation examples of a task.

    ``train`` and ``validation`` are each one of

    - a tuple of numpy arrays or tensors of shape (examples, ...), of booleans, integers, floats or complex numbers;
      Series, tables and lists become arrays, by position. A batch is a tuple of their rows in the same dtypes. Fast:
      indexed in place, and shared by all workers of a node.
      A list of examples of different lengths, such as texts, is taken, too: the task's ``collate`` pads it.
    - a map-style ``torch.utils.data.Dataset`` of which each item is a tensor, an array or a number, or a tuple, list or
      dict of these, nested as you like. It is read through a ``DataLoader``, which stacks them, or hands them to the
      task's own ``collate``: then an item may be anything.

    ``labels`` of shape (training examples,) and ``validation_labels`` of shape (validation examples,) give the class of
    each example as integers. They stratify the subsets of the stages. By default they are the last array, if it is a
    vector of integers or booleans; of a dataset nothing is known by itself. ``labels=None`` says that there are no
    classes, as where integer targets are numbers, such as counts; subsets are then drawn at random. Train with classes
    from 0 on.

    >>> import numpy as np
    >>> from trainables.data import Data
    >>> from trainables.stages import Stage
    >>> x, y = np.zeros((300, 8), dtype="float32"), np.arange(300) % 3
    >>> data = Data((x[:240], y[:240]), (x[240:], y[240:]))
    >>> indices = data.training_indices(Stage(data=0.25, epochs=1), seed=0)
    >>> np.bincount(y[indices]).tolist()  # a quarter of each class
    [20, 20, 20]
    >>> Data((x[:200], y[:100]), (x[240:], y[240:]))
    Traceback (most recent call last):
    ...
    trainables.errors.TaskError: Data.train has arrays of [200, 100] examples; give each the same number

    Raises:
        TaskError: arrays of different length or not of numbers, no examples, or labels that do not fit them.
    """

    train: Examples
    validation: Examples
    labels: NDArray[Any] | Tensor | None = FROM_TARGETS
    validation_labels: NDArray[Any] | Tensor | None = FROM_TARGETS

    def __post_init__(self) -> None:
        if self.labels is None and self.validation_labels is FROM_TARGETS:
            object.__setattr__(self, "validation_labels", None)
        for name, labels in (("train", "labels"), ("validation", "validation_labels")):
            examples = getattr(self, name)
            if isinstance(examples, tuple):
                examples = tuple(as_array(f"Data.{name}/{n}", array) for n, array in enumerate(examples))
                object.__setattr__(self, name, examples)
            size = _checked_length(name, examples)
            given = getattr(self, labels)
            if given is FROM_TARGETS:
                given = integer_labels(examples)
            object.__setattr__(self, labels, None if given is None else checked_labels(given, size, labels, name))

    @property
    def ragged(self) -> str | None:
        """The name of an array with examples of different lengths, such as ``train/0``; None without any."""
        for name in ("train", "validation"):
            for number, array in enumerate(part if isinstance(part := getattr(self, name), tuple) else ()):
                if isinstance(array, Ragged):
                    return f"{name}/{number}"
        return None

    @property
    def sharable(self) -> bool:
        """Whether all examples are arrays or tensors, which go into Ray's object store once per node."""
        return isinstance(self.train, tuple) and isinstance(self.validation, tuple)

    def packed(self) -> Data:
        """The same data with tensors as numpy arrays, for Ray's object store; datasets stay as they are."""
        return self._converted(_to_numpy)

    def unpacked(self) -> Data:
        """The same data with arrays as CPU tensors over the same memory, which must not be written to."""
        return self._converted(_to_tensor)

    def moved(self, device: torch.device) -> Data:
        """The same data with arrays as tensors on ``device``; datasets stay as they are."""
        return self._converted(lambda array: _to_tensor(array).to(device))

    def training_indices(self, stage: Stage, seed: int) -> Indices:
        """Sorted indices (int64) of the training examples of ``stage``: nested, stratified, the same for one ``seed``.

        Raises:
            TaskError: the fraction leaves none of unlabelled examples, or there are fewer classes than asked for.
        """
        return subset_indices(length(self.train) if self.labels is None else np.asarray(self.labels), stage, seed)

    def validation_indices(self, stage: Stage, seed: int) -> Indices:
        """Sorted indices (int64) of the validation examples of ``stage``: all, or those of the classes it trains on.

        Raises:
            TaskError: ``stage`` limits the classes, but there are no labels or no example of these classes.
        """
        if stage.classes is None:
            return np.arange(length(self.validation), dtype=np.int64)
        if self.labels is None or self.validation_labels is None:
            raise TaskError(
                f"classes is {stage.classes}, but not all examples have class labels",
                "give Data(labels=..., validation_labels=...) or leave classes out",
            )
        indices = class_indices(self.validation_labels, self.labels, stage, seed)
        if len(indices) == 0:
            raise TaskError(
                f"classes is {stage.classes}, but no validation example is of these classes",
                "use more classes or a validation set with examples of every class",
            )
        return indices

    def check(self, plan: Plan, seed: int) -> tuple[int, ...]:
        """The number of training examples of each stage of ``plan``.

        Raises:
            StageError: this data has no subset for a stage; the error names it.
        """
        sizes = []
        for number, stage in enumerate(plan.stages):
            try:
                sizes.append(len(self.training_indices(stage, seed)))
                self.validation_indices(stage, seed)
            except TaskError as error:
                raise StageError(error.message, error.cure, number) from None
        return tuple(sizes)

    def _converted(self, convert: Callable[[Array], Array]) -> Data:
        def one(array: Array) -> Array:
            return array.converted(convert) if isinstance(array, Ragged) else convert(array)

        def each(examples: Examples) -> Examples:
            return tuple(map(one, examples)) if isinstance(examples, tuple) else examples

        return Data(each(self.train), each(self.validation), self.labels, self.validation_labels)


def length(examples: Examples) -> int:
    """The number of examples."""
    return len(examples[0]) if isinstance(examples, tuple) else len(cast("Sequence[Any]", examples))


def _checked_length(name: str, examples: Examples) -> int:
    if not isinstance(examples, tuple):
        check_dataset(f"Data.{name}", examples)
        sizes = [length(examples)]
    else:
        for number, array in enumerate(examples):
            _check_numeric(f"{name}/{number}", array)
        sizes = [len(array) for array in examples]
    if not sizes or sizes[0] == 0:
        raise TaskError(f"Data.{name} has no examples", "give at least one")
    if len(set(sizes)) > 1:
        raise TaskError(f"Data.{name} has arrays of {sizes} examples", "give each the same number")
    return sizes[0]


def _check_numeric(name: str, array: Array) -> None:
    if isinstance(array, Ragged):
        array = array.flat
    if not isinstance(array, Tensor) and (given := np.asarray(array)).dtype.kind not in NUMERIC:
        raise TaskError(
            f"Data.{name} is an array of type {given.dtype}",
            "give numbers, and integers for classes, e.g. np.unique(labels, return_inverse=True)[1]",
        )


def _to_numpy(array: Any) -> NDArray[Any]:
    return array.detach().cpu().numpy() if isinstance(array, Tensor) else np.asarray(array)


def _to_tensor(array: Any) -> Tensor:
    if isinstance(array, Tensor):
        return array
    array = _native(np.asarray(array))
    with warnings.catch_warnings():
        # Arrays from the object store are read-only; nothing here writes to them, batches are copies.
        warnings.filterwarnings("ignore", message=".*not writable.*", category=UserWarning)
        return torch.from_numpy(array)


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """``array`` itself, or a copy where torch cannot take it: it runs backwards, or its bytes are in another order."""
    if any(stride < 0 or stride % array.itemsize for stride in array.strides):
        array = np.ascontiguousarray(array)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
