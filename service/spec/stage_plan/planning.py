"""``stages: auto`` and ``stages: {epochs: N}`` in a raw spec: in their place comes the plan that Sieve makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from service.spec.errors import Violation, nearest
from service.spec.models import AUTO, Planned, Schedule, Search, TaskFacts
from service.spec.stage_plan.auto_stages import EPOCHS, Load, auto_plan
from trainables.stages import Plan

WRITTEN: tuple[dict[str, Any], ...] = (
    {"const": AUTO},
    {
        "type": "object",
        "properties": {"epochs": {"description": "of a full training", "type": "integer", "minimum": 1}},
        "required": ["epochs"],
        "additionalProperties": False,
    },
)
"""The JSON schemas of ``stages`` other than a list."""

PLACEHOLDER = [{"data": 1.0, "epochs": 1}]
"""Valid stages in place of others, so that each mistake is reported once."""

WAYS = f"write a list of stages, {AUTO}, or {{epochs: N}} with the epochs of a full training"


def unplanned(fields: dict[str, Any]) -> list[Violation]:
    """Put the plan for ``stages: auto`` and the like into raw ``fields``; the violations where that is impossible.

    A list of stages stays as it is.
    """
    raw = fields.get("stages", AUTO)
    if isinstance(raw, (list, tuple)):
        return []
    if raw != AUTO and not isinstance(raw, Mapping):
        fields["stages"] = PLACEHOLDER
        return [Violation("stages", None, f"is {raw!r}{nearest(str(raw), [AUTO])}; {WAYS}")]
    epochs = EPOCHS if raw == AUTO else raw.get("epochs")
    others = [] if raw == AUTO else sorted(set(map(str, raw)) - {"epochs"})
    if others or isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        fields["stages"] = PLACEHOLDER
        wrong = f"unknown key {others[0]!r}" if others else f"epochs is {epochs!r}"
        return [Violation(f"stages/{others[0] if others else 'epochs'}", None, f"{wrong}; {WAYS}")]
    fields["planned"] = {"epochs": epochs, "assumed": raw == AUTO}
    fields["stages"] = made(epochs, fields, None)
    return []


def made(epochs: int, raw: Mapping[str, Any], load: Load | None) -> list[dict[str, Any]]:
    """The raw stages of the plan for a full training of ``epochs``, by the search and the schedule of a raw spec."""
    search, schedule = _valid(Search, raw.get("search")), _valid(Schedule, raw.get("schedule"))
    trials = 1 if schedule.algorithm == "fifo" else search.trials  # fifo decides nothing between stages.
    plan = auto_plan(epochs, trials, schedule.reduction_factor, load)
    return [asdict(stage) for stage in plan.stages]


def made_by(planned: Planned, search: Search, facts: TaskFacts | None) -> str:
    """What a plan was made for, and by what, in words."""
    examples = f"and {facts.examples} training examples" if facts else "as the number of examples is not known"
    return f"stages made for a full training of {planned.epochs} epochs, by {search.trials or 'many'} trials {examples}"


def written(plan: Plan) -> str:
    """The plan as in a spec file."""
    return f"stages: [{', '.join(f'{{data: {stage.data:g}, epochs: {stage.epochs}}}' for stage in plan.stages)}]"


def _valid(section: type[Any], raw: Any) -> Any:
    """The section, or its defaults where it is not valid, which is reported elsewhere."""
    try:
        return section.model_validate({} if raw is None else raw)
    except ValueError:
        return section()
