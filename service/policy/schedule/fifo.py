"""No early stopping: every trial climbs every stage."""

from __future__ import annotations

from service.policy.schedule.staged import CONTINUE, Verdict
from service.spec import Spec


class FifoRungs:
    """Lets every trial go on."""

    def __init__(self, spec: Spec) -> None:
        self._metric = spec.metric.name

    def judge(self, trial: int, stage: int, value: float) -> Verdict:
        return Verdict(CONTINUE, f"goes on after stage {stage}: {self._metric} {value:.6g}, fifo stops nothing", {})
