"""What has happened in all sweeps since a moment: for those who follow along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select

from service.ledger.database.database import Database
from service.ledger.database.tables import decisions, sweeps
from service.ledger.records import DecisionRecord
from service.ledger.store.access import in_state
from service.spec.states import SWEEP_OVER, SweepState, Wish


@dataclass(frozen=True)
class SweepChange:
    """How a sweep stands, as far as people hear of it when it changes."""

    sweep: str
    owner: str
    state: SweepState
    wish: Wish | None
    why: str
    attempt: int


class Events:
    """What is new in a database; decisions are numbered over all sweeps in the order they were written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self) -> int:
        """The number of the newest decision, 0 where there is none."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.max(decisions.c.id))).scalar() or 0)

    def decided(self, after: int, name: str | None = None, limit: int = 1000) -> list[tuple[int, str, DecisionRecord]]:
        """At most ``limit`` decisions after number ``after``: number, sweep and decision, oldest first."""
        query = select(decisions, sweeps.c.name).join(sweeps, sweeps.c.id == decisions.c.sweep)
        query = query.where(decisions.c.id > after).order_by(decisions.c.id).limit(limit)
        with self._database.read() as connection:
            return [(row.id, row.name, _decision(row)) for row in connection.execute(_of(query, name))]

    def standings(self, since: float, name: str | None = None) -> list[SweepChange]:
        """How the sweeps stand that have not ended, or only after ``since`` (seconds since the epoch)."""
        known = sweeps.c
        query = select(
            known.name.label("sweep"), known.owner, known.state, known.wish, known.why, known.attempt
        ).order_by(known.id)
        query = query.where(or_(~in_state(*SWEEP_OVER), known.finished >= since))
        with self._database.read() as connection:
            return [SweepChange(**row._mapping) for row in connection.execute(_of(query, name))]

    def census(self) -> dict[SweepState, int]:
        """How many sweeps there are in each state."""
        query = select(sweeps.c.state, func.count().label("number")).group_by(sweeps.c.state)
        with self._database.read() as connection:
            return {row.state: row.number for row in connection.execute(query)}


def _of(query: Select[Any], name: str | None) -> Select[Any]:
    return query if name is None else query.where(sweeps.c.name == name)


def _decision(row: Any) -> DecisionRecord:
    return DecisionRecord(*(getattr(row, name) for name in ("trial", "stage", "verdict", "reason", "numbers", "time")))
