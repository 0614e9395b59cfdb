"""Parts of the examples of a task, small enough to look at or to step on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch.utils.data import Subset

from trainables.data import Batch, Data, Examples, batches, length
from trainables.subset import Indices


def chosen(size: int, most: int) -> Indices:
    """Sorted indices of at most ``most`` of ``size`` examples, drawn, but always the same."""
    if size <= most:
        return np.arange(size, dtype=np.int64)
    return np.sort(np.random.default_rng(0).permutation(size)[:most]).astype(np.int64)


def shortened(data: Data, train: int, validation: int) -> Data:
    """``data`` with at most ``train`` training and ``validation`` validation examples."""
    rows, others = chosen(length(data.train), train), chosen(length(data.validation), validation)
    return Data(
        _part(data.train, rows),
        _part(data.validation, others),
        None if data.labels is None else np.asarray(data.labels)[rows],
        None if data.validation_labels is None else np.asarray(data.validation_labels)[others],
    )


def batch(examples: Examples, order: Indices, device: torch.device) -> Batch:
    """All examples of ``order`` as one batch."""
    return next(iter(batches(examples, order, len(order), device)))


def _part(examples: Examples, rows: Indices) -> Examples:
    if isinstance(examples, tuple):
        return tuple(array[rows] for array in examples)
    return cast("Examples", Subset(examples, cast("Sequence[Any]", rows.tolist())))
