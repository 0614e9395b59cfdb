"""Suggestions: a range of learning rates from the range test (ramp), a batch size from timed batches."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainables.probe.evidence import BatchEvidence, Ramp

SETTLED = 10
"""Steps of the ramp before the smoothed loss means anything."""
BELOW = 10.0
"""The search begins so many times below the rate of the steepest descent."""
BACK = 0.1
"""Share of the descent that the loss may climb back before the ramp counts as diverging."""
FAST_ENOUGH = 0.9
"""The smallest batch with this share of the best speed is suggested: larger ones take fewer steps for no time won."""


def suggested(ramp: Ramp) -> tuple[float, float] | None:
    """Lowest and highest rate to search, rounded to one digit; None where the loss never fell clearly.

    From a tenth of the rate at which the smoothed loss falls most steeply (over the rate's logarithm), to the last one
    before it climbs from its lowest value (Smith, 2017).
    """
    smoothed = ramp.smoothed
    if len(smoothed) <= SETTLED + 2:
        return None
    lowest = min(range(SETTLED, len(smoothed)), key=smoothed.__getitem__)
    fall = smoothed[SETTLED] - smoothed[lowest]
    if lowest <= SETTLED + 1 or fall <= 0.02 * abs(smoothed[SETTLED]):
        return None
    slopes = {step: smoothed[step + 1] - smoothed[step - 1] for step in range(SETTLED + 1, lowest)}
    steepest = min(slopes, key=slopes.__getitem__)
    climbing = (step for step in range(lowest, len(smoothed)) if smoothed[step] > smoothed[lowest] + BACK * fall)
    last = next(climbing, len(smoothed)) - 1
    low, high = _one_digit(ramp.rates[steepest] / BELOW), _one_digit(ramp.rates[last])
    return (low, high) if low < high else None


def best_batch(timed: Sequence[BatchEvidence]) -> int | None:
    """The smallest batch that is nearly as fast as the fastest; None where none fits."""
    rates = {one.size: one.rate for one in timed if one.rate is not None}
    if not rates:
        return None
    fastest = max(rates.values())
    return min(size for size, rate in rates.items() if rate >= FAST_ENOUGH * fastest)


def _one_digit(rate: float) -> float:
    digits = -math.floor(math.log10(rate))
    return float(f"{round(rate, digits):.1g}")
