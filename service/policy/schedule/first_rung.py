"""The first rung keeps at least a quarter where its stage makes few optimizer steps, so that it sorts only roughly."""

from __future__ import annotations

from typing import NamedTuple

from service.spec import Spec
from service.spec.stage_plan.steps import USEFUL

QUARTER = 4.0
"""On real tasks the best of the best quarter by a first stage of few steps is on average some tenths of a point of
accuracy below the best of all, and the winner alone a whole one: ``scripts/bench_transfer.py``."""


class FirstRung(NamedTuple):
    """One trial in ``factor`` goes on at the first rung; ``why`` where that is not the schedule's reduction factor."""

    factor: float
    why: str

    @classmethod
    def of(cls, spec: Spec) -> FirstRung:
        """That of the plan of ``spec``; the schedule's own factor where nobody knows the steps of its task."""
        factor, steps = spec.schedule.reduction_factor, spec.steps
        if factor <= QUARTER or not steps or steps[0].median >= USEFUL:
            return cls(factor, "")
        return cls(QUARTER, f", a quarter at least as this stage makes {steps[0].median} optimizer steps")
