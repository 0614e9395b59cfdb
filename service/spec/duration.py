"""Durations such as ``90s`` or ``2h``."""

from __future__ import annotations

import math
import re
from typing import Any

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
PATTERN = r"^\d+(\.\d+)?\s*[smhd]$"


def seconds(value: Any) -> float:
    """Seconds from ``"90s"``, ``"15m"``, ``"2h"``, ``"1.5d"`` or a number of seconds.

    Raises:
        ValueError: it is neither, or not above zero.
    """
    span = math.nan
    if isinstance(value, str) and re.match(PATTERN, value.strip()):
        text = value.strip()
        span = float(text[:-1]) * SECONDS[text[-1]]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        span = float(value)
    if not 0 < span < math.inf:
        raise ValueError(f"is {value!r}; write a time above zero such as 90s, 15m, 2h or 1d")
    return span
