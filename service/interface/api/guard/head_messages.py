"""What heads say to the service: its types, and what of it nobody could look at afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pydantic import TypeAdapter

from service.ledger.ledger import Needs
from service.ledger.records import Batch, DecisionRecord, ReportRecord, WorthRecord
from service.spec.errors import UserError
from service.spec.space.space import Space
from service.spec.states import SweepState


@dataclass(frozen=True)
class Ticket:
    """What an enrolling head shows."""

    ticket: str


@dataclass(frozen=True)
class Beat:
    """A sign of life."""

    state: SweepState | None = None
    needs: Needs | None = None


@dataclass(frozen=True)
class End:
    """How a head has left its sweep, and why."""

    state: SweepState
    why: str


TICKET, BEAT, BATCH, END = TypeAdapter(Ticket), TypeAdapter(Beat), TypeAdapter(Batch), TypeAdapter(End)


def schema(kind: TypeAdapter[Any]) -> dict[str, Any]:
    """The JSON schema of what a head says, whole in itself."""
    found = kind.json_schema(ref_template="{model}")
    definitions = found.pop("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, dict):
            return whole(definitions[part["$ref"]]) if "$ref" in part else {key: whole(part[key]) for key in part}
        return [whole(item) for item in part] if isinstance(part, list) else part

    described: dict[str, Any] = whole(found)
    return described


def check(spec: Mapping[str, Any], batch: Batch) -> None:
    """Refuse what the sweep of the raw ``spec`` cannot have.

    Raises:
        SpecError: a space that is none.
        UserError: a stage that the sweep has not.
    """
    for narrowed in batch.spaces:
        Space.parse(narrowed.parameters)
    plans = [len(stages) for stages in (spec["stages"], *spec["rounds"]["stages"])]
    told = [(trial.stage, plans[min(max(0, trial.round), len(plans) - 1)]) for trial in batch.trials]
    others: Iterable[ReportRecord | DecisionRecord | WorthRecord] = chain(batch.reports, batch.decisions, batch.worth)
    told += [(one.stage, max(plans)) for one in others]
    for stage, most in told:
        if not 0 <= stage < most:
            raise UserError(f"there is no stage {stage}", f"the sweep has {most}, counted from 0")
