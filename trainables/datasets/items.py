"""Collation of a dataset's items into a batch (PyTorch: ``collate_fn``), with checks of their types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import default_collate

from trainables.errors import TaskError

NUMERIC = "biufc"
"""Kinds of numpy dtypes that a tensor can have: booleans, integers, floating and complex numbers."""


def collated(items: Sequence[Any]) -> tuple[Tensor, ...] | TaskError:
    """A batch of ``items`` of a dataset, as a tuple of stacked tensors, or a TaskError about them."""
    item = items[0]
    several = isinstance(item, (tuple, list)) and len(item) > 0
    misfits = [part for part in (item if several else (item,)) if not _is_numeric(part)]
    if not misfits:
        return tuple(default_collate(list(items))) if several else (default_collate(list(items)),)
    what = f"{_named(item)} with {_named(misfits[0])} in it" if several else _named(item)
    # Returned, not raised, as a process of the loader would wrap the message in its traceback.
    return TaskError(
        f"an item of the dataset is {what}",
        "return a tensor, an array or a number from __getitem__, or a tuple of these, e.g. (input, label)",
    )


def _is_numeric(part: object) -> bool:
    return isinstance(part, Tensor) or (
        isinstance(part, (np.ndarray, np.generic, int, float)) and np.asarray(part).dtype.kind in NUMERIC
    )


def _named(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of type {value.dtype}"
    keys = f" with the keys {', '.join(map(str, value))}" if isinstance(value, dict) else ""
    return f"a {type(value).__name__}{keys}"
