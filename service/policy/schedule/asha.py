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
from service.policy.schedule.first_rung import FirstRung
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

    The first trial at a rung always goes on, as Tune's rule depends on the order of arrival. The first rung keeps more
    by `FirstRung`. Time is that of `clock`. At a rung that does not pay (`WorthTracker`) nobody stops, and new trials
    skip it where the next has fresh weights.
    """

    def __init__(self, spec: Spec, worths: WorthTracker) -> None:
        self._metric = spec.metric.name
        self._factor = spec.schedule.reduction_factor
        self._sign = 1.0 if spec.metric.goal == "maximize" else -1.0
        self._last = spec.plan.last
        self._worths = worths
        self._scores: dict[int, dict[int, float]] = {}
        self._first = FirstRung.of(spec)
        self._factors = [self._first.factor, *[self._factor] * self._last]
        self._tunes = [_tune(self._last, factor) for factor in (self._first.factor, self._factor)]

    def judge(self, trial: int, stage: int, value: float, seconds: float) -> Verdict:
        shown = _Shown(str(trial))
        scores = self._scores.setdefault(stage, {})
        score = min(max(self._sign * value, -FARTHEST), FARTHEST)
        cutoff = self._cutoff(stage)
        result: dict[str, Any] = {"clock": stage_end(stage, self._factors[stage]), "value": score}
        tune = self._tunes[min(stage, 1)]
        tune.on_trial_add(None, shown)
        action = tune.on_trial_result(None, shown, result)
        stopped = action == TrialScheduler.STOP and stage < self._last and self._worths.decides(stage)
        scores[trial] = score
        rank = sum(other > score for other in scores.values()) + 1
        numbers = {"value": value, "rank": rank, "of": len(scores), "cutoff": cutoff}
        return Verdict("stop" if stopped else "continue", self._reason(stage, value, numbers, stopped), numbers)

    def skipped(self) -> tuple[int, ...]:
        return self._worths.skipped()

    def _cutoff(self, stage: int) -> float | None:
        """What Tune's bracket will compare with: the quantile of the scores at the rung before the value enters it."""
        scores = list(self._scores[stage].values())
        return self._sign * float(np.percentile(scores, (1 - 1 / self._factors[stage]) * 100)) if scores else None

    def _reason(self, stage: int, value: float, numbers: dict[str, Any], stopped: bool) -> str:
        place = f"{self._metric} {value:.6g} is rank {numbers['rank']} of {numbers['of']}"
        if numbers["cutoff"] is None:
            return f"goes on after stage {stage}: {place}, the first at this rung"
        if stage < self._last and not self._worths.decides(stage):
            words = self._worths.known[stage].words
            return f"goes on after stage {stage}: {place}, no decision is taken here as this stage {words}"
        rule = f"the best 1/{self._factors[stage]:g} before it start at {numbers['cutoff']:.6g}"
        rule += self._first.why if stage == 0 else ""
        return f"{'stopped' if stopped else 'goes on'} after stage {stage}: {place}, {rule}"


def _tune(last: int, factor: float) -> ASHAScheduler:
    """Tune's scheduler with a rung at the end of each stage up to ``last``, at the times of `clock`."""
    end = stage_end(last, factor)
    return ASHAScheduler(
        time_attr="clock", metric="value", mode="max", max_t=end, grace_period=1, reduction_factor=factor
    )
