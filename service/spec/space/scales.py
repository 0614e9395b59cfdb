"""Scales: increasing maps from the unit interval to numbers (linear, logarithmic, normal)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

#: Significant digits of values: few enough that the rounding error of a map and its inverse (about 1e-14) never shows,
#: so that a value mapped to the unit interval and back is exactly the same.
DIGITS = 12

#: Probability at which a normal distribution is cut on either side: 5.6 standard deviations. Further out, neighbouring
#: doubles below 1.0 are too far apart to represent a value exactly.
TAIL = 1e-8
NORMAL_DIGITS = 7


class Scale(Protocol):
    """An increasing map of [0, 1] onto the numbers of a parameter."""

    def at(self, unit: float) -> float:
        """The number at ``unit`` in [0, 1]."""

    def unit(self, value: float) -> float:
        """The inverse of `at`, clipped to [0, 1]."""

    def tidy(self, value: float) -> float:
        """``value`` within the bounds and rounded so that ``at(unit(value))`` is exactly the same."""


@dataclass(frozen=True)
class Linear:
    """Linear scale; ``low < high``."""

    low: float
    high: float

    def at(self, unit: float) -> float:
        return self.low + unit * (self.high - self.low)

    def unit(self, value: float) -> float:
        return clip((value - self.low) / (self.high - self.low), 0.0, 1.0)

    def tidy(self, value: float) -> float:
        return clip(_round(value, self.high - self.low, DIGITS), self.low, self.high)


@dataclass(frozen=True)
class Log:
    """Logarithmic scale; ``0 < low < high``."""

    low: float
    high: float

    def at(self, unit: float) -> float:
        start, end = math.log(self.low), math.log(self.high)
        return clip(math.exp(start + unit * (end - start)), self.low, self.high)

    def unit(self, value: float) -> float:
        start, end = math.log(self.low), math.log(self.high)
        return clip((math.log(value) - start) / (end - start), 0.0, 1.0) if value > 0 else 0.0

    def tidy(self, value: float) -> float:
        return clip(float(f"{value:.{DIGITS}g}"), self.low, self.high)


@dataclass(frozen=True)
class Normal:
    """Quantiles of a normal distribution with standard deviation ``sd > 0``, cut at `TAIL`."""

    mean: float
    sd: float

    def at(self, unit: float) -> float:
        return NormalDist(self.mean, self.sd).inv_cdf(clip(unit, TAIL, 1.0 - TAIL))

    def unit(self, value: float) -> float:
        return NormalDist(self.mean, self.sd).cdf(value)

    def tidy(self, value: float) -> float:
        return _round(value, self.sd, NORMAL_DIGITS)


def clip(value: float, low: float, high: float) -> float:
    """``value`` within the bounds, else the nearer bound."""
    return min(max(value, low), high)


def _round(value: float, width: float, digits: int) -> float:
    return float(round(value, digits - math.floor(math.log10(width))))
