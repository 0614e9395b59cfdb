"""Items of a dataset stacked to a batch (PyTorch: ``default_collate``), with checks of their types and shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import default_collate

from trainables.errors import TaskError

NUMERIC = "biufc"
"""Kinds of numpy dtypes that a tensor can have: booleans, integers, floating and complex numbers."""

OWN = "define collate(self, items) in the task, e.g. with torch.nn.utils.rnn.pad_sequence"


def stacked(items: Sequence[Any]) -> Any:
    """A batch of the ``items`` of a dataset: tensors stacked, in the tuples and dicts that an item is.

    An item that is a single tensor, array or number makes a tuple of one.

    Raises:
        TaskError: an item is, or has in it, what cannot be stacked; or the items differ in shape.
    """
    item = items[0]
    if not isinstance(item, (tuple, list, Mapping)):
        return (_column(items, item),)
    return _column(items, item)


def _column(values: Sequence[Any], item: Any, name: str = "") -> Any:
    first = values[0]
    if _is_numeric(first):
        return _stack(values, item, name)
    if isinstance(first, (str, bytes)) and first is not item:
        _same([[type(value).__name__] for value in values], "types", name)
        return list(values)
    if isinstance(first, Mapping) and first:
        _same([sorted(map(str, value)) if isinstance(value, Mapping) else [] for value in values], "keys", name)
        return {key: _column([value[key] for value in values], item, f"{name}/{key}") for key in first}
    if isinstance(first, list) and first is not item and _is_vector(first):
        return _stack([np.asarray(value) for value in values], item, name)
    if isinstance(first, (tuple, list)) and first:
        _same([[str(len(value))] for value in values], "parts", name)
        parts = [_column([value[n] for value in values], item, f"{name}/{n}") for n in range(len(first))]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    what = _named(item) if first is item else f"{_named(item)} with {_named(first)} in it"
    raise TaskError(
        f"an item of the dataset is {what}",
        "return tensors, arrays or numbers from __getitem__, in a tuple or dict, e.g. (input, label); or define "
        "collate(self, items) in the task",
    )


def _stack(values: Sequence[Any], item: Any, name: str) -> Tensor:
    if not all(map(_is_numeric, values)):
        odd = next(value for value in values if not _is_numeric(value))
        raise TaskError(f"items of the dataset differ: {_place(name)} is {_named(odd)} in some", OWN)
    shapes = list(dict.fromkeys(tuple(np.shape(value)) for value in values))
    if len(shapes) > 1:
        raise TaskError(f"items of the dataset differ in shape: {_place(name)} is {shapes[0]} and {shapes[1]}", OWN)
    return default_collate(list(values))


def _same(kinds: list[list[str]], what: str, name: str) -> None:
    odd = next((kind for kind in kinds if kind != kinds[0]), None)
    if odd is not None:
        one, other = (", ".join(kind) or "none" for kind in (kinds[0], odd))
        raise TaskError(f"items of the dataset differ in their {what}: {_place(name)} has {one} and {other}", OWN)


def _place(name: str) -> str:
    return f"part {name.strip('/')}" if name else "an item"


def _is_vector(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(one, (bool, int, float, np.generic)) for one in value)


def _is_numeric(part: object) -> bool:
    return isinstance(part, Tensor) or (
        isinstance(part, (np.ndarray, np.generic, int, float)) and np.asarray(part).dtype.kind in NUMERIC
    )


def _named(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of type {value.dtype}"
    if value is None:
        return "None"
    kind = type(value)
    name = kind.__name__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__name__}"
    keys = f" with the keys {', '.join(map(str, value))}" if isinstance(value, dict) else ""
    return f"a {name}{keys}"
