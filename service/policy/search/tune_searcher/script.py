"""What has happened in a sweep, step by step, as a searcher that hears of it one by one would have heard it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.policy.observation import Observation
from service.spec.states import VERDICTS_TO_LEAVE


@dataclass(frozen=True)
class Step:
    """Trial ``trial`` was proposed (``stage`` None), or came to the end of ``stage``."""

    trial: int
    stage: int | None = None


def script(number: int, table: Sequence[Observation]) -> list[Step]:
    """The steps before trial ``number`` is proposed.

    Where a value does not say how many trials had begun before it, they began as late as they could: that is so if
    one trial runs at a time.
    """
    values = [(o.order.get(stage, math.inf), o.trial, stage, o) for o in table for stage in o.values]
    steps: list[Step] = []
    proposed = 0
    for _, trial, stage, observation in sorted(values, key=lambda value: value[:3]):
        begun = max(observation.begun.get(stage, 0), trial)
        steps += [Step(other) for other in range(proposed + 1, begun + 1)]
        proposed = max(proposed, begun)
        steps.append(Step(trial, stage))
    return [*steps, *(Step(other) for other in range(proposed + 1, number))]


def completes(observation: Observation, stage: int) -> bool:
    """Whether a trial had no more to do at the end of ``stage``: it stopped, finished or waited."""
    if stage in observation.verdicts:
        return observation.verdicts[stage] in VERDICTS_TO_LEAVE
    return stage == observation.stage and not observation.running
