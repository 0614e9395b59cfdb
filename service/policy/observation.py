"""What a searcher may know of a trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Observation:
    """One trial as the searcher sees it.

    ``config`` is flat; ``values`` maps each stage that the trial has ended to the sweep's metric there (NaN included);
    ``state`` is the trial's state. A trial without values is pending, running its first stage, or failed in it.
    """

    trial: int
    config: Mapping[str, Any]
    state: str
    values: Mapping[int, float] = field(default_factory=dict)


def ranking(table: Sequence[Observation], goal: str) -> list[Observation]:
    """The trials that have something to say, best first.

    Whoever ended a later stage ranks before whoever did not; values are compared within a stage alone, so a coarse one
    never passes for a finer one (as Optuna's TPE ranks pruned trials, Akiba et al. 2019). Failed trials and values
    that are not numbers come last: one broken region neither crashes the search nor hides.
    """
    sign = -1.0 if goal == "maximize" else 1.0

    def place(observation: Observation) -> tuple[bool, int, float, int]:
        stage = max(observation.values, default=-1)
        value = observation.values.get(stage, math.nan)
        broken = observation.state == "FAILED" or not math.isfinite(value)
        return broken, -stage, 0.0 if broken else sign * value, observation.trial

    return sorted((o for o in table if o.values or o.state == "FAILED"), key=place)
