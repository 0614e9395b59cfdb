"""Rows of sweeps by name, and records from rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Table, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.ledger.database import tables
from service.ledger.errors import UnknownSweep
from service.spec.errors import nearest
from service.spec.states import SweepState

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")

ALL = tuple(tables.sweeps.c)
BRIEF = tuple(null().label("diff") if column.name == "diff" else column for column in ALL)
"""A diff may be long, and a listing has many."""


def find(connection: Connection, name: str, lock: bool = False, columns: Sequence[Any] = ALL) -> Any:
    """The row of a sweep; with ``lock`` nobody else changes it before the transaction ends. Raises UnknownSweep."""
    query = select(*columns).where(tables.sweeps.c.name == name)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise unknown(connection, name)
    return row


def unknown(connection: Connection, name: str) -> UnknownSweep:
    """The error that says there is no such sweep, and which there are."""
    names = connection.execute(select(tables.sweeps.c.name).order_by(tables.sweeps.c.id)).scalars().all()
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    known = f"there are {', '.join(names[-MANY:])}{more}" if names else "there are none yet"
    return UnknownSweep(f"there is no sweep {name!r}{nearest(name, names)}; {known}", "see: sieve ls")


MANY = 20


def record(kind: type[Record], row: Row[Any]) -> Record:
    """A record of dataclass ``kind`` from a row that has its fields."""
    known = row._mapping
    return kind(*[known[name] for name in kind.__dataclass_fields__])


def change(connection: Connection, sweep: int, *, state: SweepState | None = None, **values: Any) -> None:
    """Set columns of the sweep with id ``sweep``; its state only if there is a new one."""
    new = values if state is None else {"state": state, **values}
    connection.execute(update(tables.sweeps).where(tables.sweeps.c.id == sweep).values(**new))


def in_state(*states: SweepState) -> ColumnElement[bool]:
    """Whether a sweep is in one of ``states``, for a WHERE. Not by IN, which a statement for many rows cannot have."""
    return or_(*(tables.sweeps.c.state == state for state in states))


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT with ON CONFLICT, in the words of the connection's database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
