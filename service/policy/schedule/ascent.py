"""What a trial needs of the budget that is left to come to the end of the last stage."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from service.policy.limits import Left
from service.policy.observation import Observation
from service.spec import Spec


class Ascent:
    """How long each stage of the plan of ``spec`` takes: the median of what was seen.

    A stage that nobody has ended yet is taken to last as long, for its work, as those that somebody has.
    """

    def __init__(self, spec: Spec) -> None:
        self._plan = spec.plan
        self._seconds: list[list[float]] = [[] for _ in spec.plan.stages]

    def observe(self, stage: int, seconds: float) -> None:
        """Record the seconds that a trial trained ``stage``."""
        insort(self._seconds[stage], seconds)

    def within(self, left: Left, table: Sequence[Observation], skipped: Sequence[int]) -> list[int]:
        """The stages, -1 for none yet, after which a trial that goes on now comes to the end within what is ``left``.

        Of work, those of ``table`` that train now need some, too: the rest of their stages, at most.
        """
        plan = self._plan.without(skipped)
        begun = sum(plan[plan.next(o.stage)].cost for o in table if o.running and o.stage < plan.last)
        found, above, stage = list[int](), [plan.last], plan.last - 1
        while self._fits(above, left, begun):
            found.append(stage)
            if stage < 0:
                break
            above += [] if stage in plan.skipped else [stage]
            stage -= 1
        return found

    def _fits(self, stages: Sequence[int], left: Left, begun: float) -> bool:
        work = sum(self._plan[stage].cost for stage in stages)
        return work + begun <= left.epochs and sum(map(self._expected, stages)) <= left.seconds

    def _expected(self, stage: int) -> float:
        known = self._seconds[stage]
        if known:
            return known[len(known) // 2]
        seen = [k for k, seconds in enumerate(self._seconds) if seconds]
        work = sum(self._plan[k].cost for k in seen)
        return sum(map(self._expected, seen)) * self._plan[stage].cost / work if seen else 0.0
