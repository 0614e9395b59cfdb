"""The worth of one stage: rank correlation of its values with the last stage's, and its cost relative to the next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from service.policy.worth.rank_correlation import RankCorrelation, ranks

PRIOR, PRIOR_PAIRS = 0.8, 3.0
"""Prior rank correlation of a stage with the last one, and its weight in pairs of values."""

FEWEST = 4
"""Fewest pairs by which a stage's rung is given up."""

LIMIT = 0.995
"""Correlations are kept within this, where Fisher's transform is finite."""

SHORTEST = 1.0
"""Seconds; where the next rung is reached sooner, times measure the machine rather than the stage."""

WIDEST = 3.0
"""Largest ratio of spreads, of all trials to those that went on, for which a correlation is corrected."""


@dataclass(frozen=True)
class StageWorth:
    """The estimated worth of one stage.

    ``correlation`` is the rank correlation of its values with those of the last stage over the random controls; None
    until there are enough of them. ``agreement``, in [-1, 1], is what the rule decides by: the same over all trials
    that came so far, corrected for these being the best and shrunk to `PRIOR`; it is known earlier and no fair
    measure. ``pairs`` is how many trials ended both this stage and the next one that is trained; ``cost`` what
    reaching this rung takes as a share of reaching the next one, in [0, 1]; ``needed`` the agreement above which
    deciding here pays; ``seconds`` the median cost of the stage, ``ahead`` that of reaching the next rung.
    """

    correlation: RankCorrelation | None
    agreement: float
    pairs: int
    cost: float
    needed: float
    seconds: float
    ahead: float

    @property
    def decides(self) -> bool:
        """Whether decisions at this rung pay: ``correlation`` reaches ``needed``.

        With fewer than `FEWEST` pairs they are taken to pay, unless no correlation could suffice (``needed`` is 1) and
        there are two pairs; so are those where the next rung is less than `SHORTEST` seconds ahead.
        """
        if self.ahead < SHORTEST or self.pairs < 2 or (self.pairs < FEWEST and self.needed < 1.0):
            return True
        return self.agreement >= self.needed

    @property
    def words(self) -> str:
        """The worth in words, and what the controls have measured."""
        fair = self.correlation
        if fair is None:
            return self._verdict
        interval = f"95 % interval {fair.low:.2f} to {fair.high:.2f}"
        return f"{self._verdict}; rank correlation of all trials {fair.value:.2f}, {interval}, by {fair.pairs} controls"

    @property
    def _verdict(self) -> str:
        known = f"agreement with the last stage among the best {self.agreement:.2f}"
        cost = f"reaching its end takes {self.cost:.0%} of reaching the next one's"
        if self.pairs < FEWEST and self.decides:
            return f"is not known yet: {self.pairs} {'trial' if self.pairs == 1 else 'trials'} went on"
        if self.decides and self.agreement < self.needed:
            return f"is not weighed: {known}, but the next one is reached in {self.ahead:.2g} s, too short to time"
        if self.decides:
            return f"tells enough: {known}, {cost}, {self.needed:.2f} is needed"
        return f"does not pay: {known}, {cost}, so {self.needed:.2f} would be needed"


@dataclass(frozen=True)
class Rung:
    """Scores (larger is better) at the end of a stage and the seconds it took to get there, both by trial."""

    scores: dict[int, float] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)


def appraise(stage: Rung, after: Rung, factor: float, fresh: bool) -> tuple[float, float, float]:
    """(cost, needed, correlation of ``stage`` with ``after``) for promoting one trial in ``factor``.

    A rung chooses the best of ``factor`` trials at a price that would train ``1 + r * factor`` trials in the next
    stage without choosing (``1 + r * (factor - 1)`` where weights continue), r being the cost ratio. With e(k) the
    expected maximum of k standard normal draws, choosing gains correlation * e(factor) and not choosing e(trials): the
    correlation at which both are equal is the one that is needed.
    """
    both = [t for t in stage.scores if t in after.scores]
    ratios = [min(stage.seconds[t] / after.seconds[t], 1.0) if after.seconds[t] > 0 else 1.0 for t in both]
    cost = float(np.median(ratios)) if ratios else 0.0
    instead = 1.0 + cost * (factor if fresh else factor - 1.0)
    needed = min(expected_maximum(instead) / expected_maximum(factor), 1.0)
    return cost, needed, shrunk(PRIOR, correlation(stage.scores, after.scores))


def expected_maximum(count: float) -> float:
    """Expected maximum of ``count`` >= 1 standard normal draws, by Blom's approximation (1958); count may be broken."""
    return NormalDist().inv_cdf((count - 0.375) / (count + 0.25)) if count > 1.0 else 0.0


def correlation(here: Mapping[int, float], there: Mapping[int, float]) -> tuple[float, float]:
    """(Spearman's rank correlation over the trials in both, its weight in pairs); (0, 0) for too few trials.

    Only the better trials went on, so it is corrected for range restriction (Thorndike 1949, case 2). The weight is
    n - 3, the precision of Fisher's z.
    """
    both = [trial for trial in here if trial in there]
    if len(both) < FEWEST:
        return 0.0, 0.0
    place = dict(zip(here, normal_scores(list(here.values())), strict=True))
    x, y = np.array([place[t] for t in both]), np.array([there[t] for t in both])
    return correlated(np.array(list(place.values())), x, y)


def correlated(everyone: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """`correlation` of scores ``x`` (n,) with values ``y`` (n,), where ``x`` are those of ``everyone`` that went on."""
    if len(x) < FEWEST:
        return 0.0, 0.0
    if x.min() == x.max() or y.min() == y.max():
        return 0.0, len(x) - 3.0
    narrow = float(np.corrcoef(ranks(x), ranks(y))[0, 1])
    ratio = min(max(1.0, float(np.std(everyone) / np.std(x))), WIDEST)
    wide = narrow * ratio / math.sqrt(1.0 + narrow**2 * (ratio**2 - 1.0))
    return float(np.clip(wide, -LIMIT, LIMIT)), len(x) - 3.0


def shrunk(prior: float, observed: tuple[float, float]) -> float:
    """A ``prior`` worth `PRIOR_PAIRS` pooled with an observed (correlation, weight in pairs), by Fisher's z."""
    value, weight = observed
    z = math.atanh(min(max(prior, -LIMIT), LIMIT)) * PRIOR_PAIRS + math.atanh(value) * weight
    return math.tanh(z / (PRIOR_PAIRS + weight))


def normal_scores(values: Sequence[float]) -> list[float]:
    """The values' ranks as quantiles of the standard normal distribution, ties sharing one."""
    return [NormalDist().inv_cdf((rank - 0.5) / len(values)) for rank in ranks(values)]
