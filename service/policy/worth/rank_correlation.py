"""Spearman's rank correlation of two stages over a fair sample of trials, with an interval that holds what it says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 5
"""Pairs without which nothing is said: the interval of fewer covers nearly everything."""

QUANTILE = 1.96
"""Standard errors to either side that cover 95 %."""


@dataclass(frozen=True)
class RankCorrelation:
    """A correlation in [-1, 1] over so many ``pairs`` of values, with its 95 % interval ``low`` .. ``high``."""

    value: float
    low: float
    high: float
    pairs: int


def measure(here: Mapping[int, float], there: Mapping[int, float]) -> RankCorrelation | None:
    """The correlation of the trials in both; None for too few of them, or where all values of one are equal.

    The interval is that of Bonett and Wright (Psychometrika 65, 2000) by Fisher's z with the standard error
    sqrt((1 + r^2 / 2) / (n - 3)). A correlation of 1 is taken to be 1 - 1 / n^2, as a few pairs can agree by chance.
    """
    both = [trial for trial in here if trial in there]
    count = len(both)
    if count < FEWEST:
        return None
    x, y = ranks([here[t] for t in both]), ranks([there[t] for t in both])
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return None
    most = 1.0 - 1.0 / count**2
    value = float(np.clip(np.corrcoef(x, y)[0, 1], -most, most))
    center, margin = math.atanh(value), QUANTILE * math.sqrt((1.0 + value**2 / 2.0) / (count - 3.0))
    return RankCorrelation(value, math.tanh(center - margin), math.tanh(center + margin), count)


def ranks(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Ranks from 1, ties sharing the mean of theirs; scipy.stats ranks too, and takes seconds to load."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])
