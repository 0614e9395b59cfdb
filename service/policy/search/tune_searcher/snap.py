"""Numbers that a searcher rounds differently than the space does."""

from __future__ import annotations

import math
from typing import Any

from service.spec.space.parameter import Parameter
from service.spec.space.samplers import Continuous, Steps


def snapped(parameter: Parameter, value: Any) -> Any:
    """The value of ``parameter`` nearest to the number ``value``, as its sampler draws it.

    A searcher that rounds to steps after it has drawn may leave the bounds: 0 for ``qrandint: [1, 10, 3]``. What is no
    finite number, or should be a listed value, is returned as it is.
    """
    sampler = parameter.sampler
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return value
    if isinstance(sampler, Continuous):
        return _within(float(value), sampler.low, sampler.high)
    if isinstance(sampler, Steps) and math.isfinite(value / sampler.q):
        return sampler.cast(_within(round(value / sampler.q), sampler.first, sampler.last) * sampler.q)
    return value


def _within(number: Any, low: Any, high: Any) -> Any:
    """``number``, or the bound that it lies beyond; without bounds as it is."""
    return number if low is None or high is None else min(max(number, low), high)
