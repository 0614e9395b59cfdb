"""Scheduler (Optuna: pruner) of asynchronous successive halving with promotion: ASHA as in Li et al. 2020, ``get_job``.

Trials pause at rungs and the best are promoted; Ray Tune's ``ASHAScheduler``, which stops or continues, is `asha`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from service.policy.schedule.first_rung import FirstRung
from service.policy.schedule.median_rule import MedianRule
from service.policy.verdict import Ruling, Verdict
from service.policy.worth.worth_tracker import WorthTracker
from service.spec import Spec

Place = tuple[float, float, int]
"""(minus score, seconds, trial): the best first; ties go to the cheaper trial, then to the older one."""


@dataclass
class _Rung:
    """A rung: the trials that have ended a stage, in order, and those ``gone`` from it, promoted or failed."""

    order: list[Place] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)

    def add(self, place: Place) -> int:
        """Add a trial, in place of its old entry if it has one; returns its rank, from 1."""
        trial = place[2]
        if trial in self.places:
            self.order.remove(self.places[trial])
        self.places[trial] = place
        insort(self.order, place)
        return bisect_left(self.order, place) + 1

    def waiting(self, best: int) -> tuple[int, int] | None:
        """(trial, rank) of the best waiting trial among the ``best`` first; None if none of these waits."""
        for rank, (_, _, trial) in enumerate(self.order[:best], start=1):
            if trial not in self.gone:
                return trial, rank
        return None


class PromoteScheduler:
    """ASHA with promotion: trials pause at each rung; a free slot promotes one of the best ``1 / reduction_factor``.

    The highest rung with a candidate is served first, as in the paper. Unlike with stopping, an early mediocre
    trial is not promoted before enough others have reached its rung. The first rung keeps more by `FirstRung`. A
    few random controls (`Controls`) climb every stage. At a rung that does not pay (`WorthTracker`) nothing is
    decided and trials train on. Inside a stage whose rung is known to pay, trials other than controls stop by the
    `MedianRule`.
    """

    def __init__(self, spec: Spec, worths: WorthTracker) -> None:
        self._metric = spec.metric.name
        self._factor = spec.schedule.reduction_factor
        self._first = FirstRung.of(spec)
        self._sign = 1.0 if spec.metric.goal == "maximize" else -1.0
        self._last = spec.plan.last
        self._worths = worths
        self._curves = MedianRule(spec)
        self._rungs = [_Rung() for _ in spec.plan.stages]

    def begin(self, trial: int) -> None:
        """Do nothing: a trial enters the first rung at the end of its stage."""

    def judge(self, trial: int, stage: int, value: float, seconds: float) -> Verdict:
        rung = self._rungs[stage]
        rank, of = rung.add((-self._sign * value, seconds, trial)), len(rung.order)
        numbers = {"value": value, "rank": rank, "of": of}
        place = f"{self._metric} {value:.6g} is rank {rank} of {of}"
        if stage == self._last:
            return Verdict("continue", f"ended the last stage: {place}", numbers)
        why = self._undecided(trial, stage)
        if why:
            rung.gone.add(trial)
            return Verdict("continue", f"goes on after stage {stage}: {place}, {why}", numbers)
        factor, why = self._first if stage == 0 else (self._factor, "")
        best = int(of / factor)
        rule = f"the best {best} go on" if best else f"nobody goes on before there are {factor:g}"
        return Verdict("pause", f"waits after stage {stage}: {place}, {rule}{why}", numbers)

    def watch(self, trial: int, stage: int, done: int, value: float) -> Verdict | None:
        verdict = self._curves.judge(trial, stage, done, value)
        if verdict is None or trial in self._worths.controls or not self._worths.tells(min(stage, self._last - 1)):
            return None
        self.drop(trial)
        return verdict

    def promotion(self, draining: bool) -> Ruling | None:
        for stage in range(self._last - 1, -1, -1):
            rung = self._rungs[stage]
            share = len(rung.order) / (self._first.factor if stage == 0 else self._factor)
            best = math.ceil(share) if draining else int(share)  # at the end the best of each rung goes on
            if draining and not any(above.order for above in self._rungs[stage + 1 :]):
                best = len(rung.order)
            found = rung.waiting(best)
            if found is not None:
                return self._promote(stage, *found)
        return None

    def best_waiting(self, stages: Collection[int], share: float) -> Ruling | None:
        for stage in sorted(stages, reverse=True):
            rung = self._rungs[stage]
            found = rung.waiting(max(1, math.ceil(share * len(rung.order))))
            if found is not None:
                return self._promote(stage, *found)
        return None

    def paused(self, trial: int, stage: int) -> None:
        self._rungs[stage].gone.discard(trial)

    def promoted(self, trial: int, stage: int) -> None:
        self._rungs[stage].gone.add(trial)

    def dismissals(self, over: bool) -> Sequence[Ruling]:
        if not over:
            return ()
        return [
            Ruling(trial, stage, self._dismissed(stage, trial, rank))
            for stage, rung in enumerate(self._rungs[:-1])
            for rank, (_, _, trial) in enumerate(rung.order, start=1)
            if trial not in rung.gone
        ]

    def skipped(self) -> tuple[int, ...]:
        return self._worths.skipped()

    def drop(self, trial: int) -> None:
        for rung in self._rungs:
            if trial in rung.places:
                rung.gone.add(trial)

    def _undecided(self, trial: int, stage: int) -> str:
        """Why no decision is taken on ``trial`` at the rung of ``stage``; ``""`` if one is."""
        if trial in self._worths.controls:
            return "but it is a random control, which shows what the stages foretell"
        if stage == 0 and self._worths.controls.opens(trial):
            return f"one of the {self._worths.controls.opening} that show what this rung is worth"
        if not self._worths.decides(stage):
            return f"no decision is taken here as this stage {self._worths.known[stage].words}"
        return ""

    def _promote(self, stage: int, trial: int, rank: int) -> Ruling:
        rung = self._rungs[stage]
        rung.gone.add(trial)
        value, of = -self._sign * rung.places[trial][0], len(rung.order)
        reason = f"promoted from stage {stage}: {self._metric} {value:.6g} is rank {rank} of {of}"
        return Ruling(trial, stage, Verdict("promote", reason, {"value": value, "rank": rank, "of": of}))

    def _dismissed(self, stage: int, trial: int, rank: int) -> Verdict:
        rung = self._rungs[stage]
        value, of = -self._sign * rung.places[trial][0], len(rung.order)
        reason = (
            f"stopped after stage {stage}: {self._metric} {value:.6g} is rank {rank} of {of} at the end of the search"
        )
        return Verdict("stop", reason, {"value": value, "rank": rank, "of": of})
