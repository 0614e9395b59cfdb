"""Conversion of Python values to plain JSON, as they are stored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """``value`` as JSON: tuples become lists, NumPy scalars Python numbers.

    Raises:
        ValueError: it cannot be stored: a class, a function, infinity, NaN, a mapping with keys that are not text.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        return _finite(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {_text(key): plain(item) for key, item in value.items()}
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return plain(value.tolist())
    raise ValueError(
        f"{value!r} of type {type(value).__name__} cannot be stored; "
        "give it a name in text and look that name up in the task"
    )


def _finite(value: int | float) -> int | float:
    number = int(value) if isinstance(value, int) else float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number!r} cannot be stored; use a finite number, or null for none")
    return number


def _text(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueError(f"the key {key!r} is not text; write it in quotes")
    return key
