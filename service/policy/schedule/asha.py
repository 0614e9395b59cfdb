"""Scheduler (Optuna: pruner) of asynchronous successive halving with stopping: Ray Tune's ``ASHAScheduler``.

ASHA, Li et al. 2020, in Tune's variant that stops or continues a trial at once; `promote` is the paper's own.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from service.policy.schedule.clock import stage_end
from service.policy.schedule.stop_only import StopOnlyScheduler
from service.policy.verdict import Verdict
from service.policy.worth.worth_tracker import WorthTracker
from service.spec import Spec

FARTHEST = sys.float_info.max / 2
"""Scores beyond it count as this: a quantile is found by a difference of two, which must be a number."""


@dataclass(frozen=True)
class _Shown:
    """The attributes of a Tune ``Trial`` that ``ASHAScheduler`` reads."""

    trial_id: str


class AshaScheduler(StopOnlyScheduler):
    """ASHA: a trial goes on if it is no worse than the best ``1 / reduction_factor`` of those before it at its rung.

    The first trial at a rung always goes on, as Tune's rule depends on the order of arrival. Time is that of `clock`.
    """

    def __init__(self, spec: Spec, worths: WorthTracker) -> None:
        self._metric = spec.metric.name
        self._factor = spec.schedule.reduction_factor
        self._sign = 1.0 if spec.metric.goal == "maximize" else -1.0
        self._last = spec.plan.last
        self._scores: dict[int, dict[int, float]] = {}
        self._tune = ASHAScheduler(
            time_attr="clock",
            metric="value",
            mode="max",
            max_t=stage_end(self._last, self._factor),
            grace_period=1,
            reduction_factor=self._factor,
        )

    def judge(self, trial: int, stage: int, value: float, seconds: float) -> Verdict:
        shown = _Shown(str(trial))
        scores = self._scores.setdefault(stage, {})
        score = min(max(self._sign * value, -FARTHEST), FARTHEST)
        cutoff = self._cutoff(stage)
        result: dict[str, Any] = {"clock": stage_end(stage, self._factor), "value": score}
        self._tune.on_trial_add(None, shown)
        action = self._tune.on_trial_result(None, shown, result)
        stopped = action == TrialScheduler.STOP and stage < self._last
        scores[trial] = score
        rank = sum(other > score for other in scores.values()) + 1
        numbers = {"value": value, "rank": rank, "of": len(scores), "cutoff": cutoff}
        return Verdict("stop" if stopped else "continue", self._reason(stage, value, numbers, stopped), numbers)

    def _cutoff(self, stage: int) -> float | None:
        """What Tune's bracket will compare with: the quantile of the scores at the rung before the value enters it."""
        scores = list(self._scores[stage].values())
        return self._sign * float(np.percentile(scores, (1 - 1 / self._factor) * 100)) if scores else None

    def _reason(self, stage: int, value: float, numbers: dict[str, Any], stopped: bool) -> str:
        place = f"{self._metric} {value:.6g} is rank {numbers['rank']} of {numbers['of']}"
        if numbers["cutoff"] is None:
            return f"goes on after stage {stage}: {place}, the first at this rung"
        rule = f"the best 1/{self._factor:g} before it start at {numbers['cutoff']:.6g}"
        return f"{'stopped' if stopped else 'goes on'} after stage {stage}: {place}, {rule}"
