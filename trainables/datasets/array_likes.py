"""What is like an array (Series, tables, Arrow's and polars' columns, lists): taken by position, never by label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.datasets.ragged import Ragged
from trainables.datasets.subset import Indices
from trainables.errors import TaskError

WANTED = "give a numpy array or a tensor of one entry for each example"


def is_array(value: object) -> bool:
    """Whether ``value`` holds examples in rows, so that it is neither a dataset nor a list of items."""
    return hasattr(value, "__array__") or hasattr(value, "iloc") or _of_arrow(value)


def is_frame(value: object) -> bool:
    """Whether ``value`` is like an array, but asked for number 3 it may give another row, or a column."""
    return is_array(value) and not isinstance(value, (np.ndarray, Tensor))


def check_rows(name: str, value: Any) -> None:
    """See that the rows of ``value`` can be taken by position.

    Raises:
        TaskError: they cannot; ``name`` is what the value is called.
    """
    if not is_array(value) and (not isinstance(value, Sequence) or isinstance(value, (str, bytes))):
        raise TaskError(f"{name} is of type {type(value).__name__}", WANTED)
    if getattr(value, "shape", None) == ():
        raise TaskError(f"{name} is a single number", WANTED)


def check_list(name: str, value: object) -> None:
    """See that ``value`` is no list of arrays such as ``[inputs, labels]``, which would be taken for a few items.

    Raises:
        TaskError: it is.
    """
    if not isinstance(value, list) or not 1 < len(value) <= 8 or not all(map(is_array, value)):
        return
    rows = {len(array) if getattr(array, "shape", None) != () else 0 for array in value}
    if len(rows) == 1 and (size := rows.pop()) > len(value):
        raise TaskError(
            f"{name} is a list of {len(value)} arrays with {size} rows each", "write a tuple, (inputs, labels)"
        )


def take(value: Any, indices: Indices) -> Any:
    """The rows of ``value`` at the positions ``indices``, in what they came in; for what `check_rows` has seen."""
    if hasattr(value, "iloc"):
        return value.iloc[indices]
    if _of_arrow(value):
        return value.take(indices)
    if is_array(value) or isinstance(value, Ragged):
        return value[indices]
    rows = [value[index] for index in indices.tolist()]
    return tuple(rows) if isinstance(value, tuple) else rows


def as_array(name: str, value: Any) -> Any:
    """``value`` as it is, if it is a numpy array or a tensor, else as a numpy array.

    Arrays of different lengths in it are `Ragged`.

    Raises:
        TaskError: it is not like an array; ``name`` is what it is called.
    """
    if isinstance(value, Ragged):
        return value
    if isinstance(value, Tensor):
        return Ragged.of(value.unbind()) if value.is_nested else _plain(name, value)
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TaskError(f"{name} is an array with {int(np.sum(value.mask))} masked entries", "fill or drop them")
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return widened(name, value)
    check_rows(name, value)
    try:
        made = np.asarray(value)
    except ValueError:
        made = None
    if made is not None and (made.dtype.kind != "O" or not len(made) or not _is_sized(made[0])):
        return widened(name, made)
    try:
        ragged = Ragged.of(list(value))
    except (ValueError, TypeError):
        raise TaskError(
            f"{name} is a {type(value).__name__} that makes no array: its parts differ in shape",
            "pad them, or give a dataset with __len__ and __getitem__",
        ) from None
    return ragged if len(set(ragged.lengths)) > 1 else np.stack(list(ragged))


WIDER = {"uint16": "int32", "uint32": "int64", "uint64": "int64"}
"""Types of numpy whose tensors torch can do little with, and what holds the same numbers."""


def widened(name: str, array: Any) -> Any:
    """``array`` itself, or one of a type in which torch can do more with its numbers.

    Raises:
        TaskError: torch has no type for them.
    """
    if array.dtype.kind in "fc" and array.dtype.itemsize > (8 if array.dtype.kind == "f" else 16):
        raise TaskError(f"{name} is an array of type {array.dtype}, which torch has not", "give float32 or float64")
    wider = WIDER.get(array.dtype.newbyteorder("=").name)
    if wider is None:
        return array
    if array.size and array.max() > np.iinfo(wider).max:
        raise TaskError(f"{name} has numbers up to {array.max()}, which are too large for {wider}", "give smaller ones")
    return array.astype(wider)


def _plain(name: str, tensor: Tensor) -> Tensor:
    """``tensor``, if it can be shared as an array of numpy."""
    kind = str(tensor.dtype).removeprefix("torch.")
    if tensor.layout is not torch.strided:
        raise TaskError(f"{name} is a sparse tensor", "give .to_dense(), or a dataset with __len__ and __getitem__")
    if tensor.is_quantized or kind == "bfloat16" or kind.startswith("float8"):
        raise TaskError(f"{name} is a tensor of type {kind}, which no array can hold", "give float16 or float32")
    return tensor


def _is_sized(value: object) -> bool:
    return isinstance(value, (list, tuple, np.ndarray, Tensor))


def _of_arrow(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "pyarrow" and hasattr(value, "take")
