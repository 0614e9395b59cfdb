"""Small samples of a task's examples for the probes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Subset

from trainables.data import Data, Examples, length
from trainables.datasets.subset import Indices
from trainables.loader import AnyBatch
from trainables.loop.feed import loader_of
from trainables.task import Task

IGNORED = -100
"""The default ``ignore_index`` of torch's cross entropy, which is no class."""


def chosen(size: int, most: int, labels: Any | None = None) -> Indices:
    """Sorted indices of at most ``most`` of ``size`` examples: a random sample with a fixed seed, nested in larger.

    With ``labels`` it has one example of each class first, the rest in proportion.
    """
    if size <= most:
        return np.arange(size, dtype=np.int64)
    order = np.random.default_rng(0).permutation(size)
    if labels is not None:
        order = order[_by_class(np.asarray(labels)[order])]
    return np.sort(order[:most]).astype(np.int64)


def _by_class(labels: NDArray[Any]) -> NDArray[Any]:
    """An order of which each prefix has one example of each class first, then the classes in proportion."""
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    rank = np.empty(len(labels))
    rank[np.argsort(codes, kind="stable")] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.argsort(rank / counts[codes], kind="stable")


def classes_of(labels: Any) -> NDArray[Any]:
    """The classes among ``labels``, sorted."""
    return np.setdiff1d(np.asarray(labels), [IGNORED])


def shortened(data: Data, train: int, validation: int) -> Data:
    """``data`` with at most ``train`` training and ``validation`` validation examples."""
    rows = chosen(length(data.train), train, data.labels)
    others = chosen(length(data.validation), validation, data.validation_labels)
    return Data(
        _part(data.train, rows),
        _part(data.validation, others),
        None if data.labels is None else np.asarray(data.labels)[rows],
        None if data.validation_labels is None else np.asarray(data.validation_labels)[others],
    )


def batch(task: Task, examples: Examples, order: Indices, device: torch.device) -> AnyBatch:
    """All examples of ``order`` as one batch."""
    return next(iter(loader_of(task).batches(examples, order, len(order), device)))


def _part(examples: Examples, rows: Indices) -> Examples:
    if isinstance(examples, tuple):
        return tuple(array[rows] for array in examples)
    return cast("Examples", Subset(examples, cast("Sequence[Any]", rows.tolist())))
