"""Scheduler without early stopping (Ray Tune: ``FIFOScheduler``; Optuna: ``NopPruner``)."""

from __future__ import annotations

from service.policy.schedule.stop_only import StopOnlyScheduler
from service.policy.verdict import Verdict
from service.policy.worth.worth_tracker import WorthTracker
from service.spec import Spec


class FifoScheduler(StopOnlyScheduler):
    """FIFO: every trial is trained in full.

    As no rung decides anything, stages whose weights the last one does not take over would be for nothing: a trial
    begins at the last fresh start.
    """

    def __init__(self, spec: Spec, worths: WorthTracker) -> None:
        self._metric = spec.metric.name
        self._skipped = tuple(range(spec.plan.climbs[-1].start))

    def judge(self, trial: int, stage: int, value: float, seconds: float) -> Verdict:
        return Verdict("continue", f"goes on after stage {stage}: {self._metric} {value:.6g}, fifo stops nothing")

    def skipped(self) -> tuple[int, ...]:
        return self._skipped
