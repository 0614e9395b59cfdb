"""Subsets of the training examples for each stage: nested, stratified by class, seeded. Pure numpy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainables.errors import TaskError
from trainables.stages import Stage

Indices = NDArray[np.int64]


def subset_indices(labels: ArrayLike | int, stage: Stage, seed: int) -> Indices:
    """Sorted indices of the examples that ``stage`` uses.

    ``labels`` is the class of every example (integers, one dimension), or only their number, where there are no
    classes. Of each class the first ``round(data * size)`` examples (half up) in a seeded order are used, so a larger
    fraction contains every smaller one. With ``classes: k`` only the first k classes in a seeded order are used, so
    more classes contain fewer; labels keep their values. The same arguments always give the same indices.

    Raises:
        TaskError: the fraction leaves a class without an example, or there are fewer classes than asked for.
    """
    if isinstance(labels, int):
        return _plain(labels, stage, seed)
    codes, groups = _by_class(np.asarray(labels))
    chosen = _classes(len(groups), stage, seed)
    smallest = min(len(groups[code]) for code in chosen)
    if _count(stage.data, smallest) == 0:
        rarest = next(codes[code] for code in chosen if len(groups[code]) == smallest)
        raise TaskError(
            f"data {stage.data:g} leaves class {rarest} with no example of its {smallest}",
            f"use a fraction of at least {smallest_fraction(smallest):g}",
        )
    parts = [_first(groups[code], stage.data, np.random.default_rng([seed, 1, int(code)])) for code in chosen]
    return np.sort(np.concatenate(parts))


def class_indices(labels: ArrayLike, training_labels: ArrayLike, stage: Stage, seed: int) -> Indices:
    """Sorted indices of those ``labels`` (of validation) that are of the classes that ``stage`` trains on."""
    values = np.asarray(labels)
    if stage.classes is None:
        return np.arange(len(values), dtype=np.int64)
    codes, groups = _by_class(np.asarray(training_labels))
    return np.flatnonzero(np.isin(values, codes[_classes(len(groups), stage, seed)])).astype(np.int64)


def smallest_fraction(size: int) -> float:
    """The smallest fraction, rounded up to four digits, that has an example of a class with ``size`` examples."""
    exact = 0.5 / size
    digits = 3 - math.floor(math.log10(exact))
    rounded = math.ceil(exact * 10**digits) / 10**digits
    return rounded if _count(rounded, size) else math.nextafter(exact, 1.0)


def _count(fraction: float, size: int) -> int:
    # Half up: Python's round() goes to the even neighbour, so that the smallest fraction would depend on the size.
    return math.floor(fraction * size + 0.5)


def _first(indices: Indices, fraction: float, rng: np.random.Generator) -> Indices:
    return rng.permutation(indices)[: _count(fraction, len(indices))]


def _plain(size: int, stage: Stage, seed: int) -> Indices:
    if stage.classes is not None:
        raise TaskError(
            f"classes is {stage.classes}, but the data has no class labels",
            "give Data(labels=...) an integer for every training example, or leave classes out",
        )
    if _count(stage.data, size) == 0:
        raise TaskError(
            f"data {stage.data:g} leaves none of the {size} examples",
            f"use a fraction of at least {smallest_fraction(size):g}",
        )
    everything = np.arange(size, dtype=np.int64)
    return np.sort(_first(everything, stage.data, np.random.default_rng([seed, 0])))


def _by_class(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[Indices]]:
    codes, counts = np.unique(labels, return_counts=True)
    order = np.argsort(labels, kind="stable").astype(np.int64)
    return codes, np.split(order, np.cumsum(counts)[:-1])


def _classes(available: int, stage: Stage, seed: int) -> Indices:
    wanted = available if stage.classes is None else stage.classes
    if wanted > available:
        raise TaskError(
            f"classes is {wanted}, but the data has {available}", f"use at most {available} or leave it out"
        )
    return np.random.default_rng([seed, 2]).permutation(available)[:wanted].astype(np.int64)
