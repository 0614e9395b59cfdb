"""What a service says, as the plain data of the ledger. What a newer service says besides is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter

from service.interface.text.tables import MOMENTS
from service.ledger.records import DecisionRecord, Rows
from service.ledger.results.status import Status
from service.spec.states import SWEEP_UNDER_WAY

Record = TypeVar("Record")

_STATUS = TypeAdapter(Status)
NUMBERS = "numbers/"
SWEEP = (
    *("sweep", "state", "simulated", "why", "task", "metric", "owner", "trials", "finished_trials"),
    *("attempt", "seconds", "created", "started", "finished"),
)
"""The columns of a row of sweeps."""


def status(raw: Mapping[str, Any]) -> Status:
    """A `Status` from its dict."""
    return _STATUS.validate_python(raw)


def sweep(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a sweep, as `service.ledger.results.rows.sweep_row` has it, from what a page says of it."""
    counts = raw["counts"]
    numbers = {"trials": sum(counts.values()), "finished_trials": counts.get("FINISHED", 0)}
    why = raw["why"] or (raw["waits"] if raw["state"] in SWEEP_UNDER_WAY else "")
    known = {"sweep": raw["name"], "metric": raw["metric"]["name"], "why": why, **numbers}
    return {column: known[column] if column in known else raw.get(column) for column in SWEEP}


def rows(raw: Sequence[Mapping[str, Any]]) -> Rows:
    """Rows as the ledger gives them: moments are seconds since the epoch."""
    return [{key: _moment(value) if key in MOMENTS else value for key, value in row.items()} for row in raw]


def decisions(raw: Sequence[Mapping[str, Any]]) -> list[DecisionRecord]:
    """Decisions from the rows of their table, whose numbers are columns."""
    return [_record(DecisionRecord, {**row, "numbers": _numbers(row)}) for row in raw]


def advice(stages: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What the stages are worth in words, as `service.interface.text.status_view.appraised` has it."""
    return tuple(f"stage {row['stage']} {row['advice']}" for row in stages if row.get("advice"))


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {key.removeprefix(NUMBERS): value for key, value in row.items() if key.startswith(NUMBERS)}
    return {key: value for key, value in found.items() if value is not None}


def _moment(value: Any) -> Any:
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value


def _record(kind: type[Record], raw: Mapping[str, Any]) -> Record:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{key: value for key, value in raw.items() if key in known})
