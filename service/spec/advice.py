"""Warnings about a spec: what is allowed but probably a mistake."""

from __future__ import annotations

import re

from service.spec.models import Planned, Rounds, Schedule
from service.spec.space.parameter import Parameter
from service.spec.space.space import Space

#: Ratio of bounds from which a rate or penalty should be drawn log-uniformly: a linear draw rarely gives small ones.
_DECADES = 100.0
_MULTIPLIES = re.compile(r"(^|_)(lr|learning_rate|weight_decay|wd|l1|l2)$")


def advice(space: Space, rounds: Rounds, schedule: Schedule, longest: int) -> list[str]:
    """The warnings, each with the cure; ``longest`` is the largest number of stages of any round."""
    rates = (_linear_rate(parameter) for parameter in space.parameters)
    alone = (_lone_value(parameter) for parameter in space.parameters)
    messages = [*rates, *alone, _lone_round(rounds), _lone_stage(schedule) if longest == 1 else ""]
    return [message for message in messages if message]


def assumed(planned: Planned | None) -> list[str]:
    """The warning where nobody said how long a full training is."""
    if planned is None or not planned.assumed:
        return []
    return [
        f"stages: a full training is taken to be {planned.epochs} epochs, as nothing says how long one is: "
        f"write stages: {{epochs: {planned.epochs}}}, or another number"
    ]


def _lone_stage(schedule: Schedule) -> str:
    """A warning where a scheduler is named although there is a single stage, else ``""``."""
    if schedule.algorithm == "fifo" or "algorithm" not in schedule.model_fields_set:
        return ""
    return (
        f"schedule/algorithm: {schedule.algorithm} decides between stages and there is only one, so that every trial "
        "trains it in full, as with fifo: add a coarser stage, or leave schedule out"
    )


def _lone_round(rounds: Rounds) -> str:
    """A warning where rounds are described and there is only one, else ``""``."""
    idle = ", ".join(rounds.model_dump(exclude_defaults=True))
    return f"rounds: there is only one, so {idle} does nothing: write count: 2" if idle and rounds.count == 1 else ""


def _lone_value(parameter: Parameter) -> str:
    """A warning where a range of integers holds a single one, else ``""``."""
    if not parameter.kind.endswith("randint") or parameter.sampler.count != 1:
        return ""
    low, high, *_ = parameter.args
    [value] = parameter.sampler.values()
    return (
        f"parameters/{parameter.name}: {parameter.kind} from {low} to {high} has the one value {value}, for high is "
        f"exclusive: write [{low}, {high + 1}] for two values, or the constant {value}"
        if high == value + 1
        else f"parameters/{parameter.name}: {parameter.kind} from {low} to {high} has the one value {value}: "
        f"widen it, or write the constant {value}"
    )


def _linear_rate(parameter: Parameter) -> str:
    """A warning where a rate or penalty is drawn linearly over two decades or more, else ``""``."""
    if parameter.kind not in ("uniform", "quniform") or not _MULTIPLIES.search(
        parameter.name.rpartition("/")[2].lower()
    ):
        return ""
    low, high = parameter.args[:2]
    if low < 0 or high < low * _DECADES:
        return ""
    return (
        f"parameters/{parameter.name}: {parameter.kind} from {low:g} to {high:g} draws 9 of 10 values above "
        f"{low + (high - low) / 10:g}; rates and penalties multiply: "
        f"write loguniform: [{low or high / 1e4:g}, {high:g}]"
    )
