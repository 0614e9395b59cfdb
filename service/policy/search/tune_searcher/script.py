"""The history of a sweep as a sequence of steps, to be replayed to a Tune ``Searcher``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.policy.observation import Observation
from service.spec.states import VERDICTS_TO_LEAVE


@dataclass(frozen=True)
class Step:
    """The proposal of ``trial`` (``stage`` None), or its end of ``stage``."""

    trial: int
    stage: int | None = None


def script(number: int, table: Sequence[Observation]) -> list[Step]:
    """The steps before the proposal of trial ``number``.

    Where a value does not say how many trials had begun before it, trials are taken to begin as late as possible, as if
    one ran at a time.
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
    """Whether a trial stopped, finished or waited at the end of ``stage``."""
    if stage in observation.verdicts:
        return observation.verdicts[stage] in VERDICTS_TO_LEAVE
    return stage == observation.stage and not observation.running
