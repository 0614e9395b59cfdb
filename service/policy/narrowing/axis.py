"""`Axis`: a numeric parameter on its own scale (linear, log), with its limits and readable bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service.spec.space.parameter import Parameter
from service.spec.space.samplers import Continuous, Steps
from service.spec.space.scales import Log, Normal

FARTHEST = 1e300

PROBABLE = 0.1
"""Lowest bound of a log range up to 1 that is taken for probabilities."""


@dataclass(frozen=True)
class Axis:
    """Numbers from ``low`` to ``high``, both included; with a ``step`` they are whole numbers of steps.

    Positions are 0 at ``low`` and 1 at ``high``, linear in the number or, if ``log``, in its logarithm, and go beyond
    these for numbers outside.
    """

    low: float
    high: float
    log: bool
    step: float | None = None

    @classmethod
    def of(cls, parameter: Parameter) -> Axis | None:
        """The axis of ``parameter``, which has more than one value; None for listed values and normal distributions."""
        sampler = parameter.sampler
        if not isinstance(sampler, Continuous | Steps) or isinstance(sampler.scale, Normal):
            return None
        log = isinstance(sampler.scale, Log)
        if isinstance(sampler, Continuous):
            low, high = parameter.args
            return cls(low, high, log)
        if sampler.first is None or sampler.last is None:
            return None
        return cls(sampler.first, sampler.last, log, sampler.q)

    def position(self, value: Any) -> float:
        """The position of a value of the parameter."""
        number = value if self.step is None else round(value / self.step)
        start = self._law(self.low)
        return (self._law(number) - start) / (self._law(self.high) - start)

    def within(self, start: float, end: float) -> tuple[float, float]:
        """Readable bounds (few digits) that include the positions from ``start`` to ``end``.

        They go beyond the present bounds only where the positions do, and only as far as `_limits` allows.
        """
        low, high = self._at(start), self._at(end)
        lowest, highest = self._limits()
        return (
            max(self._outward(low, high - low, math.floor), self.low if start >= 0.0 else min(lowest, self.low)),
            min(self._outward(high, high - low, math.ceil), self.high if end <= 1.0 else max(highest, self.high)),
        )

    def args(self, parameter: Parameter, low: float, high: float) -> tuple[Any, ...]:
        """The arguments of ``parameter`` for new bounds."""
        if self.step is None:
            return low, high
        exclusive = "randint" in parameter.kind and self.step == 1
        first, last = (self.value(number) for number in (low, high + 1 if exclusive else high))
        return first, last, *parameter.args[2:]

    def value(self, number: float) -> Any:
        """The parameter's value at a number of the axis."""
        if self.step is None:
            return number
        steps = int(number)
        return steps * self.step if isinstance(self.step, int) else float(steps * Decimal(repr(self.step)))

    def _law(self, number: float) -> float:
        return math.log(number) if self.log else float(number)

    def _at(self, position: float) -> float:
        start, end = self._law(self.low), self._law(self.high)
        law = start + position * (end - start)
        if not self.log:
            return min(max(law, -FARTHEST), FARTHEST)
        return math.exp(min(max(law, -math.log(FARTHEST)), math.log(FARTHEST)))

    def _limits(self) -> tuple[float, float]:
        """How far the bounds may move outwards: never across zero, nor out of [0, 1] if they lie in it.

        Such a range may hold probabilities; real numbers move at most half the way to 0 or 1, as a momentum of 1 or a
        temperature of 0 makes no sense. A log range of more than a decade below 1 is a rate and may pass 1. Whole
        numbers from 1 up are counts and stay above zero.
        """
        step = self.step or 1.0
        low, high = self.low * step, self.high * step
        lowest = low / 2 if low >= 0.0 and not self.log else -math.inf
        highest = math.inf
        if high <= 0.0:
            highest = high / 2
        elif low >= (PROBABLE if self.log else 0.0) and high <= 1.0:
            highest = (high + 1.0) / 2
        if self.step is None:
            return lowest, highest
        if self.low >= 1 and (self.log or isinstance(self.step, int)):
            lowest = step
        return _whole(lowest / step, math.ceil), _whole(highest / step, math.floor)

    def _outward(self, number: float, width: float, outward: Callable[[float], int]) -> float:
        """``number`` rounded outward to two digits of the range's width, or of its own on a log scale."""
        if self.step is not None:
            return outward(round(number, 9))
        exponent = math.floor(math.log10(abs(number) if self.log else width)) - 1
        return float(Decimal(outward(round(number / 10.0**exponent, 9))).scaleb(exponent))


def _whole(number: float, inward: Callable[[float], int]) -> float:
    return inward(round(number, 9)) if math.isfinite(number) else number
