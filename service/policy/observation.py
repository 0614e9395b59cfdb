"""`Observation`: what searchers and schedulers know of a trial (Optuna: ``FrozenTrial``), and the ranking of trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from service.spec.states import TRIAL_TRAINING, TrialState, VerdictKind


@dataclass(frozen=True)
class Observation:
    """A trial in any state: waiting, running, finished, stopped or failed.

    ``config`` is flat; ``state`` is the trial's state. The mappings are by stage, for each that the trial has ended
    (Optuna: ``intermediate_values``): ``values`` has the sweep's metric (NaN included), ``seconds`` the time that
    training the stage took, ``order`` the position of the value among all values of the sweep in order of arrival and,
    where known, ``verdicts`` the kind of the verdict on it and ``begun`` how many trials had begun before it. A trial
    without values is pending, in its first stage, or failed in it.
    """

    trial: int
    config: Mapping[str, Any]
    state: TrialState
    values: Mapping[int, float] = field(default_factory=dict)
    seconds: Mapping[int, float] = field(default_factory=dict)
    order: Mapping[int, int] = field(default_factory=dict)
    verdicts: Mapping[int, VerdictKind] = field(default_factory=dict)
    begun: Mapping[int, int] = field(default_factory=dict)

    @property
    def stage(self) -> int:
        """The last stage that the trial has ended; -1 if it has ended none."""
        return max(self.values, default=-1)

    def after(self, trials: int) -> Observation:
        """The same trial numbered within its round, which begins after so many ``trials`` of earlier rounds."""
        if trials == 0:
            return self
        begun = {stage: count - trials for stage, count in self.begun.items()}
        return replace(self, trial=self.trial - trials, begun=begun)

    @property
    def running(self) -> bool:
        """Whether the trial trains or is about to."""
        return self.state in TRIAL_TRAINING


def ranking(table: Sequence[Observation], goal: str) -> list[Observation]:
    """The trials that have ended a stage or failed, best first.

    A trial that has ended a later stage ranks before those that have not, and values are compared within a stage only
    (as Optuna's TPE ranks pruned trials, Akiba et al. 2019). Failed trials and values that are not numbers come last,
    so that a region of failing configs counts as a bad one.
    """
    sign = -1.0 if goal == "maximize" else 1.0

    def place(observation: Observation) -> tuple[bool, int, float, int]:
        value = observation.values.get(observation.stage, math.nan)
        broken = observation.state == "FAILED" or not math.isfinite(value)
        return broken, -observation.stage, 0.0 if broken else sign * value, observation.trial

    return sorted((o for o in table if o.values or o.state == "FAILED"), key=place)
