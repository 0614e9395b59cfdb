"""Samplers: the map between the unit interval and the values of one parameter.

Three families make every kind: `Continuous`, `Steps` and `Values`. Each maps a coordinate to a value and back such that
``from_unit(to_unit(value)) == value`` for every value that ``from_unit`` can return, exactly. Discrete values come back
as the middle of their bin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from numbers import Real
from typing import Any, Protocol

from service.spec.errors import listing
from service.spec.space.scales import Scale, clip


class Sampler(Protocol):
    """The values of one parameter."""

    @property
    def allowed(self) -> str:
        """The allowed values in words, for messages."""

    @property
    def count(self) -> int | None:
        """The number of values; None if they cannot be listed."""

    @property
    def discrete(self) -> bool:
        """Whether values are discrete, so that a condition may name one."""

    def values(self) -> list[Any]:
        """All values in order, if `count` is a number."""

    def from_unit(self, unit: float) -> Any:
        """The value at ``unit``, clipped to [0, 1]."""

    def to_unit(self, value: Any) -> float:
        """The coordinate in [0, 1] of a value that `cast` accepts."""

    def cast(self, value: Any) -> Any:
        """``value`` in the sampler's own type; ValueError with what is allowed if it is not one of its values."""


@dataclass(frozen=True)
class Continuous:
    """Real numbers on ``scale`` between the bounds, both allowed (``None``: unbounded)."""

    scale: Scale
    low: float | None = None
    high: float | None = None

    discrete = False
    count = None

    @property
    def allowed(self) -> str:
        return "a finite number" if self.low is None else f"a number from {self.low:g} to {self.high:g}"

    def values(self) -> list[Any]:
        raise ValueError("a continuous range has no list of values")

    def from_unit(self, unit: float) -> float:
        return self.scale.tidy(self.scale.at(clip(unit, 0.0, 1.0)))

    def to_unit(self, value: Any) -> float:
        return self.scale.unit(self.cast(value))

    def cast(self, value: Any) -> float:
        number = _number(value, self.allowed)
        if self.low is not None and self.high is not None and not self.low <= number <= self.high:
            raise ValueError(_refusal(value, self.allowed))
        return number


@dataclass(frozen=True)
class Steps:
    """Multiples ``k·q`` for ``first <= k <= last`` (``None``: unbounded).

    ``scale`` runs over k, not over the value. The bin of k is [k, k + 1), or [k - ½, k + ½) when ``rounded``, as Tune
    draws integers by flooring and quantized reals by rounding. The values are integers when ``q`` is one.
    """

    scale: Scale
    q: float
    first: int | None
    last: int | None
    rounded: bool

    discrete = True

    @property
    def allowed(self) -> str:
        noun = "an integer" if self.q == 1 and isinstance(self.q, int) else f"a multiple of {self.q:g}"
        if self.first is None or self.last is None:
            return noun
        return f"{noun} from {self._value(self.first)} to {self._value(self.last)}"

    @property
    def count(self) -> int | None:
        return None if self.first is None or self.last is None else self.last - self.first + 1

    def values(self) -> list[Any]:
        if self.first is None or self.last is None:
            raise ValueError("an unbounded range has no list of values")
        return [self._value(k) for k in range(self.first, self.last + 1)]

    def from_unit(self, unit: float) -> Any:
        k = math.floor(self.scale.at(clip(unit, 0.0, 1.0)) + self._shift)
        if self.first is not None and self.last is not None:
            k = min(max(k, self.first), self.last)
        return self._value(k)

    def to_unit(self, value: Any) -> float:
        start = self._index(value) - self._shift
        return (self.scale.unit(start) + self.scale.unit(start + 1)) / 2

    def cast(self, value: Any) -> Any:
        return self._value(self._index(value))

    @property
    def _shift(self) -> float:
        return 0.5 if self.rounded else 0.0

    def _value(self, k: int) -> Any:
        """k·q in decimal: 3 × 0.1 is 0.3, not 0.30000000000000004."""
        return k * self.q if isinstance(self.q, int) else float(k * Decimal(repr(self.q)))

    def _index(self, value: Any) -> int:
        steps = _number(value, self.allowed) / self.q
        k = round(steps)
        inside = self.first is None or self.last is None or self.first <= k <= self.last
        if not inside or not math.isclose(steps, k, rel_tol=1e-12, abs_tol=1e-9):
            raise ValueError(_refusal(value, self.allowed))
        return k


@dataclass(frozen=True)
class Values:
    """Listed values, each as likely as the others."""

    items: tuple[Any, ...]

    discrete = True

    @property
    def allowed(self) -> str:
        return "one of " + listing(map(repr, self.items))

    @property
    def count(self) -> int | None:
        return len(self.items)

    def values(self) -> list[Any]:
        return list(self.items)

    def from_unit(self, unit: float) -> Any:
        return self.items[min(int(clip(unit, 0.0, 1.0) * len(self.items)), len(self.items) - 1)]

    def to_unit(self, value: Any) -> float:
        return (self._position(value) + 0.5) / len(self.items)

    def cast(self, value: Any) -> Any:
        return self.items[self._position(value)]

    def _position(self, value: Any) -> int:
        try:
            return self._positions[mark(value)]
        except (KeyError, TypeError):  # TypeError: not hashable, so not a listed value.
            raise ValueError(_refusal(value, self.allowed)) from None

    @cached_property
    def _positions(self) -> dict[Any, int]:
        return {mark(item): position for position, item in enumerate(self.items)}


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal in YAML's sense: 1 and 1.0 are, 1 and true are not."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def mark(value: Any) -> Any:
    """A hashable key that is equal for values that are the `same`, and only for these.

    Raises:
        TypeError: the value is not JSON.
    """
    return isinstance(value, bool), _frozen(value)


def _frozen(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value).__name__, *map(_frozen, value)
    if isinstance(value, dict):
        return "dict", frozenset((key, _frozen(inner)) for key, inner in value.items())
    hash(value)
    return value


def _number(value: Any, allowed: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(_refusal(value, allowed))
    return float(value)


def _refusal(value: Any, allowed: str) -> str:
    return f"{value!r} is outside the space; allowed: {allowed}"
