"""Probe of a task's examples: shapes, classes, NaN, and leaks of training examples into validation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainables.data import Data, Examples, batches, length
from trainables.errors import TaskError
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


def look(task: object, data: Data, plan: Plan, data_seed: int) -> DataEvidence:
    """The evidence of all arrays of ``data``, or of `MOST_READ` examples of a dataset.

    Raises:
        TaskError: ``data`` has no subset for a stage of ``plan``.
    """
    data = data.unpacked()
    for part in (data.train, data.validation):
        _see_tuples(part)
    train, validation = (_arrays(part, MOST_READ, READING) for part in (data.train, data.validation))
    classes = None if data.labels is None else classes_of(data.labels)
    others = None if data.validation_labels is None else classes_of(data.validation_labels)
    leaked, compared, known = leak(train, validation)
    labels = _labels(data)
    return DataEvidence(
        train=tuple(_array(array, length(data.train)) for array in train),
        validation=tuple(_array(array, length(data.validation)) for array in validation),
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


def _see_tuples(examples: Examples) -> None:
    """Check that items of a dataset are no dictionaries, of which no batch can be made."""
    if not isinstance(examples, tuple) and isinstance(one := examples[0], Mapping):
        raise TaskError(f"an example is a dict of {', '.join(map(str, one))}", "return a tuple, the target last")


def has_own_loss(task: object) -> bool:
    """Whether the task overrides `Task.loss`, so that its scale is not known."""
    return getattr(type(task), "loss", None) is not Task.loss


def leak(train: tuple[NDArray[Any], ...], validation: tuple[NDArray[Any], ...]) -> tuple[int, int, int]:
    """(leaked, compared, known): validation examples with the inputs of a training example, and how many of either."""
    # Validation may have more arrays than training, such as references.
    inputs = max(1, min(len(train), len(validation)) - 1)
    keys = list(_keys(train[:inputs]))
    known = set(keys)
    found = [key in known for key in _keys(validation[:inputs])]
    return sum(found), len(found), len(keys)


def repeats(one: Data, other: Data) -> Repeatable:
    """Whether two calls of ``data()`` gave the same examples, in the same order."""
    if _alike(one, other):
        return "same"
    return "other" if _alike(one, one) else "redrawn"


def _alike(one: Data, other: Data) -> bool:
    pairs = ((one.train, other.train), (one.validation, other.validation))
    return all(length(a) == length(b) and _equal(_arrays(a, TWICE), _arrays(b, TWICE)) for a, b in pairs)


def _equal(one: tuple[NDArray[Any], ...], other: tuple[NDArray[Any], ...]) -> bool:
    return len(one) == len(other) and all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        for a, b in zip(one, other, strict=True)
    )


def _arrays(examples: Examples, most: int, seconds: float = math.inf) -> tuple[NDArray[Any], ...]:
    """The examples as arrays; of a dataset a few, read as its loader would."""
    if isinstance(examples, tuple):
        return tuple(np.asarray(array) for array in examples)
    seed_all(0, 0)
    rows, clock, parts = chosen(length(examples), most), Clock(seconds), []
    for one in batches(examples, rows, 1, torch.device("cpu")):
        parts.append(tuple(np.asarray(part) for part in one))
        if clock.over:
            break
    if any(a.shape != b.shape for one in parts for a, b in zip(one, parts[0], strict=True)):
        return ()  # Examples of different sizes, which the loader pads for each batch.
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _array(array: NDArray[Any], size: int) -> ArrayEvidence:
    odd = 0
    if array.dtype.kind in "fc":
        odd = sum(int((~np.isfinite(array[at : at + CHUNK])).sum()) for at in range(0, len(array), CHUNK))
    return ArrayEvidence(str(array.dtype), (size, *array.shape[1:]), odd)


def _keys(inputs: tuple[NDArray[Any], ...]) -> Iterator[int]:
    """A hash of the inputs of each example, up to `MOST_BYTES` of them."""
    if not inputs:
        return
    size = sum(array.nbytes for array in inputs)
    rows = len(inputs[0]) if size <= MOST_BYTES else int(len(inputs[0]) * MOST_BYTES / size)
    for row in range(rows):
        yield hash(b"|".join(np.ascontiguousarray(array[row]).tobytes() for array in inputs))


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
        return StageEvidence(len(train), len(validation), None, ())
    classes = classes_of(np.asarray(data.labels)[train])
    tested = classes_of(np.asarray(data.validation_labels)[validation])
    return StageEvidence(len(train), len(validation), len(classes), _lacking(tested, classes))
