"""What a policy may know of a trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from service.spec.states import TRIAL_TRAINING, TrialState, VerdictKind


@dataclass(frozen=True)
class Observation:
    """One trial as the policy sees it, whether it waits, runs, finished, was stopped or failed.

    ``config`` is flat; ``state`` is the trial's state. Mappings have a key for each stage that the trial has ended:
    ``values`` the sweep's metric there (NaN included), ``seconds`` what training that stage took, ``order`` the place
    of that value among all values of the sweep, in the order in which they came in. Where they are known,
    ``verdicts`` has what fell on that value and ``begun`` how many trials had begun by then. A trial without values
    is pending, running its first stage, or failed in it.
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
        """The last stage that the trial has ended; -1 for none."""
        return max(self.values, default=-1)

    def after(self, trials: int) -> Observation:
        """The same as seen by a round that begins after so many ``trials`` of earlier ones, counted from there."""
        if trials == 0:
            return self
        begun = {stage: count - trials for stage, count in self.begun.items()}
        return replace(self, trial=self.trial - trials, begun=begun)

    @property
    def running(self) -> bool:
        """Whether the trial is training or about to."""
        return self.state in TRIAL_TRAINING


def ranking(table: Sequence[Observation], goal: str) -> list[Observation]:
    """The trials that have something to say, best first.

    Whoever ended a later stage ranks before whoever did not; values are compared within a stage alone, so a coarse one
    never passes for a finer one (as Optuna's TPE ranks pruned trials, Akiba et al. 2019). Failed trials and values
    that are not numbers come last: one broken region neither crashes the search nor hides.
    """
    sign = -1.0 if goal == "maximize" else 1.0

    def place(observation: Observation) -> tuple[bool, int, float, int]:
        value = observation.values.get(observation.stage, math.nan)
        broken = observation.state == "FAILED" or not math.isfinite(value)
        return broken, -observation.stage, 0.0 if broken else sign * value, observation.trial

    return sorted((o for o in table if o.values or o.state == "FAILED"), key=place)
