"""Sizes of memory such as ``8GiB`` or ``500MB``."""

from __future__ import annotations

import math
import re
from typing import Any

BYTES = {
    **{f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgt", 1)},
    **{f"{prefix}b": 1000**power for power, prefix in enumerate("kmgt", 1)},
}
"""Bytes of each unit, in lower case."""

PATTERN = r"^\d+(\.\d+)?\s*[KkMmGgTt][Ii]?[Bb]$"

LEAST = 2**20
"""Bytes below which a size is taken for a mistake: a number whose unit was forgotten."""


def size(value: Any) -> int:
    """Bytes from ``"8GiB"``, ``"500MB"``, ``"1.5 TiB"`` or a number of bytes.

    >>> size("1.5GiB"), size("2GB")
    (1610612736, 2000000000)

    Raises:
        ValueError: it is neither, or less than a MiB.
    """
    amount = math.nan
    if isinstance(value, str) and re.match(PATTERN, value.strip()):
        number, unit = re.split(r"\s*(?=[A-Za-z])", value.strip(), maxsplit=1)
        amount = float(number) * BYTES[unit.lower()]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        amount = float(value)
    if not 0 < amount < math.inf:
        raise ValueError(f"is {value!r}; write a size with its unit, such as 8GiB, 500MB or 0.5TiB")
    if amount < LEAST:
        raise ValueError(f"is {value!r}, which is {amount:g} bytes; write the unit, such as {_guess(value)}")
    return int(amount)


def _guess(value: Any) -> str:
    return f"{value}GiB" if isinstance(value, (int, float)) else "500MB"
