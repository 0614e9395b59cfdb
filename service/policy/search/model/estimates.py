"""What each trial would be worth at the last stage, by the highest stage that it has ended."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.policy.search.model.features import Array
from service.policy.worth.stage_worth import correlated

PRIOR, PRIOR_PAIRS = 0.9, 2.0
"""Stages are taken to agree at this rank correlation, as if so many pairs had shown it."""

GOOD, FAIR = 0.1, 0.75
"""Quantiles of losses whose distance is the unit in which losses are seen: a share of all, so that neither a few huge
values nor a search that has come to rest in one place decides what counts as a difference."""

LOW, HIGH = -2.0, 0.5
"""In that unit, from the fair loss: what lies farther out saturates within one more. How bad a bad config is hardly
matters, and one value that is out of all proportion hides nothing."""

WORST = 0.9
"""To a model losses above this quantile are the quantile: how bad a bad config is does not matter."""

HUGE = 1e300
"""Losses beyond it are scaled down, as differences of two may be more than a float holds."""


@dataclass(frozen=True)
class Estimates:
    """Losses (smaller is better) of trials at the highest stage that any of them ended, as `warped` has them.

    Among all trials, had they all come there, they have mean 0 and deviation 1. ``rows`` are the trials' places
    in the table that was estimated, growing; ``losses`` and ``variances`` belong to them. Shapes (n,).
    """

    rows: NDArray[np.intp]
    losses: Array
    variances: Array

    def __len__(self) -> int:
        return len(self.rows)

    def subset(self, most: int, draw: np.random.Generator) -> Estimates:
        """At most ``most`` of them: the better half the best there are, the others drawn from the rest."""
        if len(self) <= most:
            return self
        ordered = np.argsort(self.losses, kind="stable")
        rest = draw.choice(len(ordered) - most // 2, most - most // 2, replace=False) + most // 2
        kept = np.concatenate([ordered[: most // 2], ordered[np.sort(rest)]])
        return Estimates(self.rows[kept], self.losses[kept], self.variances[kept])

    def standardized(self) -> tuple[Array, Array]:
        """Losses with mean 0 and deviation 1, and their variances on that scale; shapes (n,)."""
        losses = np.minimum(self.losses, np.quantile(self.losses, WORST))
        scale = float(losses.std()) or 1.0
        return (losses - losses.mean()) / scale, np.minimum(self.variances / scale**2, 4.0)


def estimate(losses: Array) -> Estimates:
    """An estimate for each row of ``losses`` (trials, stages) that has one; NaN marks a stage that was not ended.

    Losses are compared within a stage, as `warped` has them. Stages are tied by their rank correlation r alone
    (`worth.correlated`, which knows that those that went on are the better ones), as in a Gaussian copula: a trial of
    score x is believed to score r * x at the next stage, with variance 1 - r * r. So a coarse loss never passes for a
    final one.
    """
    scores = np.full(len(losses), np.nan)
    variances = np.zeros(len(losses))
    for column in losses.T:
        here = np.isfinite(column)
        if not here.any():
            continue
        known = np.isfinite(scores)
        both = here & known
        r = _agreement(*correlated(scores[known], scores[both], column[both]))
        placed = _placed(column[here], scores[both], r)
        scores *= r
        variances = 1.0 - r * r * (1.0 - variances)
        scores[here], variances[here] = placed, 0.0
    rows = np.flatnonzero(np.isfinite(scores))
    return Estimates(rows, scores[rows], variances[rows])


def warped(losses: Array) -> Array:
    """``losses`` (n,) in their order with mean 0 and deviation 1, the same for any scale and zero of the metric."""
    losses = losses * 2.0**-8 if np.abs(losses).max() > HUGE else losses
    good, fair = np.quantile(losses, [GOOD, FAIR], method="lower")
    if good == fair:  # Most are equal: only their order tells.
        losses = np.unique(losses, return_inverse=True)[1].astype(np.float64)
        good, fair = np.quantile(losses, [GOOD, FAIR], method="lower")
    with np.errstate(over="ignore"):
        steps = (losses - fair) / (fair - good or 1.0)
    steps = np.where(steps > HIGH, HIGH + np.tanh(steps - HIGH), steps)
    steps = np.where(steps < LOW, LOW + np.tanh(steps - LOW), steps)
    return np.asarray((steps - steps.mean()) / (float(steps.std()) or 1.0))


def _agreement(correlation: float, pairs: float) -> float:
    """The rank correlation of two stages, from what was seen and the prior, by Fisher's z."""
    return math.tanh((math.atanh(PRIOR) * PRIOR_PAIRS + math.atanh(correlation) * pairs) / (PRIOR_PAIRS + pairs))


def _placed(values: Array, before: Array, r: float) -> Array:
    """The scores of a stage's ``values`` (n,), in their order, by the scores that some of the trials had ``before``."""
    scores = warped(values)
    if not len(before):
        return scores
    return r * float(np.mean(before)) + math.sqrt(r * r * float(np.var(before)) + 1.0 - r * r) * scores
