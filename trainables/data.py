"""`Data`: the training and validation examples of a task as arrays or a ``Dataset``, and the subset of each stage."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from trainables.datasets.items import NUMERIC, collated
from trainables.datasets.subset import Indices, class_indices, subset_indices
from trainables.errors import StageError, TaskError
from trainables.stages import Plan, Stage

Array: TypeAlias = "NDArray[Any] | Tensor"
Arrays: TypeAlias = "tuple[Array, ...]"
Examples: TypeAlias = "Arrays | Dataset[Any]"
Batch: TypeAlias = "tuple[Tensor, ...]"


@dataclass(frozen=True, eq=False)
class Data:
    """Training and validation examples of a task.

    ``train`` and ``validation`` are each one of

    - a tuple of numpy arrays or tensors of shape (examples, ...), of booleans, integers, floats or complex numbers. A
      batch is a tuple of their rows in the same dtypes. Fast: indexed in place, and shared by all workers of a node.
    - a map-style ``torch.utils.data.Dataset`` of which each item is a tensor, an array or a number, or a tuple or list
      of these. It is read through a ``DataLoader``, which stacks them.

    ``labels`` of shape (training examples,) and ``validation_labels`` of shape (validation examples,) give the class of
    each example as integers. They stratify the subsets of the stages; without them subsets are drawn at random. The
    default None means the last array, if it is one-dimensional and integer; of a dataset nothing is known by itself.
    Train with classes from 0 on: cross entropy takes int64.

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
    labels: Array | None = None
    validation_labels: Array | None = None

    def __post_init__(self) -> None:
        for name, labels in (("train", "labels"), ("validation", "validation_labels")):
            examples = getattr(self, name)
            size = _checked_length(name, examples)
            given = getattr(self, labels)
            classes = integer_labels(examples) if given is None else np.asarray(given)
            if classes is not None and (classes.ndim != 1 or classes.dtype.kind not in "iu" or len(classes) != size):
                raise TaskError(
                    f"Data.{labels} has shape {classes.shape} and type {classes.dtype}",
                    f"give one integer for each of the {size} {name} examples",
                )
            object.__setattr__(self, labels, classes)

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
            TaskError: the fraction leaves a class without an example, or there are fewer classes than asked for.
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
        def each(examples: Examples) -> Examples:
            return tuple(convert(array) for array in examples) if isinstance(examples, tuple) else examples

        return Data(each(self.train), each(self.validation), self.labels, self.validation_labels)


def length(examples: Examples) -> int:
    """The number of examples."""
    return len(examples[0]) if isinstance(examples, tuple) else len(cast("Sequence[Any]", examples))


def integer_labels(examples: Examples) -> NDArray[Any] | None:
    """The last array of ``examples`` as class labels, shape (examples,); None unless it is one of integers."""
    if not isinstance(examples, tuple):
        return None
    last = _to_numpy(examples[-1])
    return last if last.ndim == 1 and last.dtype.kind in "iu" else None


def batches(
    examples: Examples, order: Indices, size: int, device: torch.device, workers: int = 0, seed: int = 0
) -> Iterator[Batch]:
    """Batches of ``size`` of the ``examples`` on ``device``, in the ``order`` of the given indices.

    A dataset is read by ``workers`` processes (``num_workers`` of ``DataLoader``); its random draws depend on ``seed``.

    Raises:
        TaskError: an item of a dataset is not what `Data` says.
    """
    if isinstance(examples, tuple):
        arrays = cast("tuple[Tensor, ...]", examples)
        index = torch.from_numpy(order).to(arrays[0].device)
        there = arrays[0].device.type == device.type
        for rows in index.split(size):  # type: ignore[no-untyped-call]
            batch = tuple([array.index_select(0, rows) for array in arrays])
            yield batch if there else _moved(batch, device)
        return
    # Given a generator of its own, the loader leaves the global one, and so the dropout, as the fast path does.
    loader = DataLoader(
        Subset(examples, cast("Sequence[int]", order)),
        batch_size=size,
        generator=torch.Generator().manual_seed(seed),
        num_workers=workers,
        collate_fn=collated,
        pin_memory=device.type == "cuda",
    )
    for batch in loader:
        if isinstance(batch, TaskError):
            raise batch
        yield tuple(part.to(device, non_blocking=True) for part in batch)


def _moved(batch: Batch, device: torch.device) -> Batch:
    # From pinned memory the copy runs beside what the device computes.
    pinned = device.type == "cuda"
    return tuple((part.pin_memory() if pinned else part).to(device, non_blocking=pinned) for part in batch)


def _checked_length(name: str, examples: Examples) -> int:
    if not isinstance(examples, tuple):
        if not hasattr(examples, "__len__") or not hasattr(examples, "__getitem__"):
            raise TaskError(
                f"Data.{name} is a {type(examples).__name__}",
                "give a tuple of arrays, or a dataset with __len__ and __getitem__",
            )
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
    if not isinstance(array, Tensor) and (given := np.asarray(array)).dtype.kind not in NUMERIC:
        raise TaskError(
            f"Data.{name} is an array of type {given.dtype}",
            "give numbers, and integers for classes, e.g. np.unique(labels, return_inverse=True)[1]",
        )


def _to_numpy(array: Array) -> NDArray[Any]:
    return array.detach().cpu().numpy() if isinstance(array, Tensor) else np.asarray(array)


def _to_tensor(array: Array) -> Tensor:
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
