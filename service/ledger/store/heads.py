"""The heads that a daemon has launched: one for a sweep at most, as the table's key says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, select, update

from service.ledger.database import tables
from service.ledger.database.database import Database, patient
from service.ledger.errors import AlreadyRunning, LostClaim
from service.ledger.store.access import change, find, in_state, upsert
from service.spec.states import SWEEP_WITH_HEAD

_heads, _sweeps = tables.heads.c, tables.sweeps.c


@dataclass(frozen=True)
class HeadRecord:
    """A launched head of ``sweep``: ``launch`` is how its launcher knows it, None before that started it.

    ``enrolled``: it has come, and has its token.
    """

    sweep: str
    attempt: int
    launch: str | None
    enrolled: bool


class Heads:
    """The launched heads in a database, and what they show to be let in."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @patient
    def launched(self, name: str, attempt: int, launch: str | None, ticket: str) -> None:
        """Note that the head of ``attempt`` is launched, with the SHA-256 of the ``ticket`` that it was given.

        Said again with the same ticket, before or after it enrolled, it changes ``launch`` alone. The head of an
        earlier attempt is forgotten, with its token.

        Raises:
            LostClaim: ``attempt`` is not the sweep's present one.
            AlreadyRunning: that attempt has a head with another ticket.
        """
        with self.database.write() as connection:
            row = find(
                connection, name, lock=True, columns=[_sweeps.id, _sweeps.state, _sweeps.attempt, _sweeps.delays]
            )
            if row.attempt != attempt or row.state not in SWEEP_WITH_HEAD:
                raise LostClaim(
                    f"attempt {attempt} at {name} has lost it: the sweep is {row.state} in attempt {row.attempt}",
                    "let the other head run",
                )
            known = connection.execute(select(tables.heads).where(_heads.sweep == row.id)).one_or_none()
            values: dict[str, Any] = {"attempt": attempt, "launch": launch, "ticket": ticket, "token": None}
            if known is not None and known.attempt == attempt:
                if known.ticket != ticket:
                    raise AlreadyRunning(f"attempt {attempt} at {name} has a head already", "let that one run")
                values = {"launch": launch}
            put = upsert(connection, tables.heads).values(sweep=row.id, attempt=attempt, **_but_attempt(values))
            connection.execute(put.on_conflict_do_update(index_elements=["sweep"], set_=values))
            if launch is not None and row.delays:
                change(connection, row.id, delays=0, due=None)

    @patient
    def enroll(self, name: str, attempt: int, ticket: str, token: str) -> bool:
        """Exchange the ticket of a head for its token, both as SHA-256; True once, then False, as for a wrong ticket.

        The attempt must be the sweep's present one.
        """
        present = exists().where(
            _sweeps.id == _heads.sweep, _sweeps.name == name, _sweeps.attempt == attempt, in_state(*SWEEP_WITH_HEAD)
        )
        statement = (
            update(tables.heads)
            .where(_heads.attempt == attempt, _heads.ticket == ticket, _heads.token.is_(None), present)
            .values(token=token)
        )
        with self.database.write() as connection:
            return connection.execute(statement).rowcount == 1

    @patient
    def of(self, name: str) -> HeadRecord | None:
        """The head that was launched last for a sweep, if it is not gone; None if there is none."""
        query = select(tables.heads).join(tables.sweeps).where(_sweeps.name == name)
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else HeadRecord(name, row.attempt, row.launch, row.token is not None)

    @patient
    def by_token(self, token: str) -> tuple[str, int] | None:
        """The sweep and attempt of the head whose token has that SHA-256; None if there is none."""
        query = select(_sweeps.name, _heads.attempt).join_from(tables.heads, tables.sweeps).where(_heads.token == token)
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.name, row.attempt)

    @patient
    def gone(self, name: str, attempt: int) -> None:
        """Forget the head of that attempt, with its token; nothing if there is none."""
        owner = select(_sweeps.id).where(_sweeps.name == name).scalar_subquery()
        with self.database.write() as connection:
            connection.execute(delete(tables.heads).where(_heads.sweep == owner, _heads.attempt == attempt))


def _but_attempt(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "attempt"}
