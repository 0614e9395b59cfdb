"""Probe of a task's examples: shapes, classes, NaN, and leaks of training examples into validation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from trainables.data import Data, Examples, length
from trainables.datasets.items import NUMERIC
from trainables.datasets.nested import leaves, parted
from trainables.datasets.ragged import Ragged
from trainables.datasets.subset import rare_classes
from trainables.loop.seeding import seed_all
from trainables.probe.clock import Clock
from trainables.probe.evidence import ArrayEvidence, DataEvidence, Repeatable, StageEvidence
from trainables.probe.examples import nearest_neighbour
from trainables.probe.examples.sample import IGNORED, chosen, classes_of
from trainables.stages import Plan
from trainables.task import Task

MOST_BYTES = 256 * 2**20
"""Most bytes of either split that are compared row by row, which takes some tenths of a second."""
MOST_READ, READING = 512, 0.7
"""Most examples of each split of a dataset that are read, and for how many seconds, as each may be a file."""
TWICE = 64
"""Examples of a dataset that are read twice, to see whether they are the same."""
CHUNK = 4096

Row = tuple[NDArray[Any], ...]
"""An example as the arrays in it."""


def look(task: object, data: Data, plan: Plan, data_seed: int) -> DataEvidence:
    """The evidence of all arrays of ``data``, or of `MOST_READ` examples of a dataset.

    Raises:
        TaskError: ``data`` has no subset for a stage of ``plan``.
    """
    data = data.unpacked()
    train, validation = (Sample(part, MOST_READ, READING) for part in (data.train, data.validation))
    classes = None if data.labels is None else classes_of(data.labels)
    others = None if data.validation_labels is None else classes_of(data.validation_labels)
    leaked, compared, known = leak(train, validation)
    labels = _labels(data)
    return DataEvidence(
        train=tuple(_array(array, length(data.train)) for array in train.columns()),
        validation=tuple(_array(array, length(data.validation)) for array in validation.columns()),
        classes=None if classes is None else len(classes),
        absent=_lacking(classes, others),
        unknown=_lacking(others, classes),
        negative=int(((labels < 0) & (labels != IGNORED)).sum()),
        own_loss=has_own_loss(task),
        stages=tuple(_stage(data, plan, number, data_seed) for number in range(len(plan))),
        leaked=leaked,
        compared=compared,
        known=known,
        ignored=int((labels == IGNORED).sum()),
        neighbours=nearest_neighbour.agreement(data),
    )


def has_own_loss(task: object) -> bool:
    """Whether the task overrides `Task.loss`, so that its scale is not known."""
    return getattr(type(task), "loss", None) is not Task.loss


def leak(train: Sample, validation: Sample) -> tuple[int, int, int]:
    """(leaked, compared, known): validation examples with the inputs of a training example, and how many of either."""
    # Validation may have more arrays than training, such as references.
    arrays = min(train.arrays, validation.arrays)
    keys = list(_keys(train.inputs(arrays)))
    known = set(keys)
    found = [key in known for key in _keys(validation.inputs(arrays))]
    return sum(found), len(found), len(keys)


def repeats(one: Data, other: Data) -> Repeatable:
    """Whether two calls of ``data()`` gave the same examples, in the same order."""
    if _alike(one, other):
        return "same"
    return "other" if _alike(one, one) else "redrawn"


def _alike(one: Data, other: Data) -> bool:
    pairs = ((one.train, other.train), (one.validation, other.validation))
    return all(length(a) == length(b) and Sample(a, TWICE).equals(Sample(b, TWICE)) for a, b in pairs)


def _equal(one: Row, other: Row) -> bool:
    return len(one) == len(other) and all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        for a, b in zip(one, other, strict=True)
    )


class Sample:
    """The examples of arrays, or a few items of a dataset or of arrays with examples of different lengths."""

    def __init__(self, examples: Examples, most: int, seconds: float = math.inf) -> None:
        self._arrays: Row | None = None
        self._items: list[Any] = []
        if isinstance(examples, tuple) and not any(isinstance(array, Ragged) for array in examples):
            self._arrays = tuple(np.asarray(array) for array in examples)
            return
        seed_all(0, 0)
        clock = Clock(seconds)
        for row in chosen(length(examples), most).tolist():
            item: Any = tuple(array[row] for array in examples) if isinstance(examples, tuple) else examples[row]
            self._items.append(item)
            if clock.over:
                break

    @property
    def arrays(self) -> int:
        """How many arrays an example has."""
        return len(self._arrays) if self._arrays is not None else len(_row(self._items[0]))

    def columns(self) -> Row:
        """All examples as one array for each part; none where they differ in shape."""
        if self._arrays is not None:
            return self._arrays
        rows = [_row(item) for item in self._items]
        if len({tuple(part.shape for part in row) for row in rows}) > 1:
            return ()
        return tuple(np.stack(column) for column in zip(*rows, strict=True))

    def inputs(self, arrays: int) -> Iterator[Row]:
        """The inputs of each example: without its target, and with no more parts than ``arrays`` with one have."""
        count = max(1, arrays - 1)
        if self._arrays is None:
            yield from (_row(parted(item)[0])[:count] for item in self._items)
            return
        inputs = self._arrays[:count]
        size = sum(array.nbytes for array in inputs)
        rows = len(inputs[0]) if size <= MOST_BYTES else int(len(inputs[0]) * MOST_BYTES / size)
        for row in range(rows):
            yield tuple(array[row] for array in inputs)

    def equals(self, other: Sample) -> bool:
        """Whether the examples are the same, in the same order."""
        if self._arrays is not None and other._arrays is not None:
            return _equal(self._arrays, other._arrays)
        pairs = zip(self._items, other._items, strict=True)
        return len(self._items) == len(other._items) and all(_equal(_row(a), _row(b)) for a, b in pairs)


def _row(item: Any) -> Row:
    """The numbers in ``item``; texts and other objects are left aside."""
    numbers = [leaf for leaf in leaves(item) if isinstance(leaf, (Tensor, np.ndarray, np.generic, int, float))]
    return tuple(array for array in map(np.asarray, numbers) if array.dtype.kind in NUMERIC)


def _array(array: NDArray[Any], size: int) -> ArrayEvidence:
    odd = 0
    if array.dtype.kind in "fc":
        odd = sum(int((~np.isfinite(array[at : at + CHUNK])).sum()) for at in range(0, len(array), CHUNK))
    return ArrayEvidence(str(array.dtype), (size, *array.shape[1:]), odd)


def _keys(inputs: Iterable[Row]) -> Iterator[int]:
    """A hash of each example's inputs; none of those that have no numbers."""
    for row in inputs:
        if row:
            yield hash(b"|".join(np.ascontiguousarray(array).tobytes() for array in row))


def _labels(data: Data) -> NDArray[Any]:
    given = [np.asarray(labels) for labels in (data.labels, data.validation_labels) if labels is not None]
    return np.concatenate(given) if given else np.zeros(0, dtype=np.int64)


def _lacking(wanted: NDArray[Any] | None, present: NDArray[Any] | None) -> tuple[int, ...]:
    if wanted is None or present is None:
        return ()
    return tuple(int(label) for label in np.setdiff1d(wanted, present))


def _stage(data: Data, plan: Plan, number: int, seed: int) -> StageEvidence:
    train = data.training_indices(plan[number], seed)
    validation = data.validation_indices(plan[number], seed)
    if data.labels is None or data.validation_labels is None:
        kept = 0 if data.labels is None else rare_classes(data.labels, plan[number], seed)
        return StageEvidence(len(train), len(validation), None, (), kept)
    classes = classes_of(np.asarray(data.labels)[train])
    tested = classes_of(np.asarray(data.validation_labels)[validation])
    kept = rare_classes(data.labels, plan[number], seed)
    return StageEvidence(len(train), len(validation), len(classes), _lacking(tested, classes), kept)
