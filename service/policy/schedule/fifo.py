"""Scheduler without early stopping (Ray Tune: ``FIFOScheduler``; Optuna: ``NopPruner``)."""

from __future__ import annotations

from service.policy.schedule.unpaused import Unpaused
from service.policy.verdict import Verdict
from service.policy.worth.stage_worths import StageWorths
from service.spec import Spec


class FifoRungs(Unpaused):
    """FIFO: every trial trains every stage."""

    def __init__(self, spec: Spec, worths: StageWorths) -> None:
        self._metric = spec.metric.name

    def judge(self, trial: int, stage: int, value: float, seconds: float) -> Verdict:
        return Verdict("continue", f"goes on after stage {stage}: {self._metric} {value:.6g}, fifo stops nothing")
