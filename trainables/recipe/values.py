"""Types of config values, with the check and the error message of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Protocol

from trainables.errors import TaskError
from trainables.nearest import nearest


class Value(Protocol):
    """The type of a key's value; `read` returns a value in that type or raises a TaskError."""

    def read(self, key: str, value: Any) -> Any: ...


@dataclass(frozen=True)
class Word:
    """One of the ``allowed`` words."""

    allowed: Sequence[str]

    def read(self, key: str, value: Any) -> str:
        if value not in self.allowed:
            hint = nearest(str(value), self.allowed)
            raise TaskError(f"{key} is {value!r}{hint}", f"allowed: {', '.join(self.allowed)}")
        return str(value)


@dataclass(frozen=True)
class Number:
    """A finite number within bounds: ``least`` and ``most`` are allowed themselves, ``above`` and ``below`` not."""

    least: float = -math.inf
    above: float = -math.inf
    below: float = math.inf
    most: float = math.inf

    def read(self, key: str, value: Any) -> float:
        # numpy's numbers are Real, its booleans are not.
        sensible = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not (sensible and self.least <= value <= self.most and self.above < value < self.below):
            raise TaskError(f"{key} is {value!r}", f"use a number {self._bounds()}")
        return float(value)

    def _bounds(self) -> str:
        lower = f">= {self.least:g}" if math.isfinite(self.least) else f"> {self.above:g}"
        if math.isfinite(self.most):
            return f"{lower} and <= {self.most:g}"
        return f"{lower} and < {self.below:g}" if math.isfinite(self.below) else lower


@dataclass(frozen=True)
class Whole:
    """A whole number of at least ``least``."""

    least: int = 1

    def read(self, key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < self.least:
            raise TaskError(f"{key} is {value!r}", f"use a whole number >= {self.least}")
        return int(value)


@dataclass(frozen=True)
class Optional:
    """``value``, or None for none."""

    value: Value

    def read(self, key: str, value: Any) -> Any:
        return None if value is None else self.value.read(key, value)


class Switch:
    """True or false."""

    def read(self, key: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise TaskError(f"{key} is {value!r}", "use true or false")
        return value


class Betas:
    """Two numbers of at least 0 and below 1, as a list or tuple."""

    def read(self, key: str, value: Any) -> tuple[float, float]:
        each = Number(least=0.0, below=1.0)
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise TaskError(f"{key} is {value!r}", "use two numbers, e.g. [0.9, 0.999]")
        return each.read(f"{key}/0", value[0]), each.read(f"{key}/1", value[1])
