"""Estimates of each trial's loss at the last stage, from its value at the highest stage that it has ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from service.policy.observation import Observation

PRIOR_PAIRS = 2.0
"""Weight, in pairs of values, of the prior that a stage's value equals the next one's."""

UNKNOWN, NOISE = 0.5, 0.3
"""Standard deviation of the next stage's value given this one's, as a fraction of the values' spread: without pairs,
and the prior's where there are pairs."""


@dataclass(frozen=True)
class Estimate:
    """A trial's loss (smaller is better) on the scale of the highest stage that any trial ended, and its variance."""

    trial: int
    loss: float
    variance: float


@dataclass(frozen=True)
class _Line:
    """Linear prediction of the next stage's loss: ``intercept + slope * loss``, with the residual variance."""

    intercept: float
    slope: float
    variance: float


def estimate(table: Sequence[Observation], goal: str) -> list[Estimate]:
    """An estimate for each trial that has ended a stage or failed, by trial number.

    The loss of a lower stage is mapped upwards stage by stage with a line fitted to the trials that ended both stages
    (ridge regression towards slope 1), whose residual variance is added; compare the weighted ensemble of levels in Li
    et al. 2022, Hyper-Tune. Trials that failed or have values that are not numbers count as the worst loss seen.
    """
    losses = _losses(table, goal)
    ended = [stage for stage in sorted(losses, reverse=True) if losses[stage]]
    if not ended:
        return []
    known = {trial: (loss, 0.0) for trial, loss in losses[ended[0]].items()}
    for stage in ended[1:]:
        line = _fit(losses[stage], {trial: loss for trial, (loss, _) in known.items()})
        for trial, loss in losses[stage].items():
            known.setdefault(trial, (line.intercept + line.slope * loss, line.variance))
    worst = max(loss for loss, _ in known.values())
    bad = [o.trial for o in table if _is_bad(o)]
    estimates = [Estimate(trial, loss, variance) for trial, (loss, variance) in known.items()]
    return sorted(estimates + [Estimate(trial, worst, 0.0) for trial in bad], key=lambda e: e.trial)


def _losses(table: Sequence[Observation], goal: str) -> dict[int, dict[int, float]]:
    """Losses by stage and trial, of trials all of whose values are numbers."""
    sign = -1.0 if goal == "maximize" else 1.0
    losses: dict[int, dict[int, float]] = {}
    for observation in sorted(table, key=lambda o: o.trial):
        if not _is_bad(observation):
            for stage, value in observation.values.items():
                losses.setdefault(stage, {})[observation.trial] = sign * value
    return losses


def _is_bad(observation: Observation) -> bool:
    if not observation.values:
        return observation.state == "FAILED"
    return not all(math.isfinite(value) for value in observation.values.values())


def _fit(here: Mapping[int, float], above: Mapping[int, float]) -> _Line:
    both = [trial for trial in here if trial in above]
    spread = float(np.std(list(here.values()))) + 1e-12
    x, z = np.array([here[t] for t in both]), np.array([above[t] for t in both])
    if len(both) < 3 or np.ptp(x) == 0.0:
        shift = float(np.mean(z - x)) if both else 0.0
        return _Line(shift, 1.0, (UNKNOWN * spread) ** 2)
    dx, dz = (x - x.mean()) / spread, (z - z.mean()) / spread
    slope = max(0.0, float((dx @ dz + PRIOR_PAIRS) / (dx @ dx + PRIOR_PAIRS)))
    residuals = dz - slope * dx
    variance = float((residuals @ residuals + PRIOR_PAIRS * NOISE**2) / (len(both) + PRIOR_PAIRS)) * spread**2
    return _Line(float(z.mean() - slope * x.mean()), slope, variance)
