"""What stands between Ray Tune and a rule for rungs: the clock, the reasons, and rebuilding from reports."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from service.spec import Spec

CONTINUE = "continue"
STOP = "stop"


@dataclass(frozen=True)
class Verdict:
    """What happens to a trial at a rung (``continue`` or ``stop``), why in words, and the numbers behind it."""

    verdict: str
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)


class Rungs(Protocol):
    """A rule for rungs. It remembers the values it was shown, in order, and nothing else."""

    def __init__(self, spec: Spec) -> None: ...

    def judge(self, trial: int, stage: int, value: float) -> Verdict:
        """The verdict on ``trial`` whose metric at the end of ``stage`` is ``value`` (finite)."""


class StagedScheduler(FIFOScheduler):
    """Tune's view of a sweep's rungs.

    Verdicts fall at the ends of stages alone, on values of that stage alone. A value that is missing or not a number
    stops the trial. `verdict` hands each one over for the record; `replay` rebuilds the rungs from recorded
    reports, shown in their old order.
    """

    def __init__(self, rungs: Rungs, spec: Spec) -> None:
        super().__init__()
        self._rungs = rungs
        self._metric = spec.metric.name
        self._last = spec.plan.last
        self._verdicts: dict[int, Verdict] = {}

    def replay(self, trial: int, stage: int, value: float | None) -> Verdict:
        """Show the rungs a value at the end of ``stage``; the verdict is the one that fell then."""
        if value is None or not math.isfinite(value):
            return Verdict(STOP, f"stopped after stage {stage}: {self._metric} is {value}, not a number", {})
        judged = self._rungs.judge(trial, stage, value)
        if stage == self._last:
            return Verdict("finish", f"finished the last stage with {self._metric} {value:.6g}", judged.numbers)
        return judged

    def verdict(self, trial: int, stage: int, value: float | None) -> Verdict:
        """The verdict on a stage that has just ended: as told to Tune, or told now as Tune never asks of a last one."""
        told = self._verdicts.pop(trial, None)
        return told or self.replay(trial, stage, value)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        if not result.get("sieve/stage_end"):
            return str(TrialScheduler.CONTINUE)
        number = int(trial.config["trial"])
        verdict = self.replay(number, int(result["stage"]), result.get(self._metric))
        self._verdicts[number] = verdict
        return str(TrialScheduler.CONTINUE if verdict.verdict == CONTINUE else TrialScheduler.STOP)
