"""The heads that a daemon has launched, and what they prove themselves by."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from service.ledger import tables
from service.ledger.database import Database


@dataclass(frozen=True)
class HeadRecord:
    """A launched head: ``launch`` is how its launcher knows it; of ticket and token only the SHA-256."""

    attempt: int
    launch: str | None = None
    ticket: str | None = None
    token: str | None = None


class Heads:
    """One head for a sweep at most, that of its newest attempt."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def launched(self, name: str, attempt: int, launch: str | None, ticket_hash: str) -> None:
        """Note a head about to be launched (``launch`` is not known yet), or how it is known; its token stays."""
        with self._database.write() as connection:
            query = select(tables.sweeps.c.id).where(tables.sweeps.c.name == name)
            values = {"sweep": connection.execute(query).scalar_one(), "attempt": attempt, "launch": launch}
            known = connection.execute(select(tables.heads).where(tables.heads.c.sweep == values["sweep"])).first()
            if known is None or known.attempt != attempt:
                values |= {"ticket": ticket_hash, "token": None}
            statement = upsert(tables.heads).values(**values)
            connection.execute(statement.on_conflict_do_update(index_elements=["sweep"], set_=values))

    def enroll(self, name: str, attempt: int, ticket_hash: str, token_hash: str) -> bool:
        """Exchange the ticket for the token, once; False if it is another attempt's, used up or wrong."""
        sweep = select(tables.sweeps.c.id).where(tables.sweeps.c.name == name).scalar_subquery()
        heads = tables.heads.c
        with self._database.write() as connection:
            changed = connection.execute(
                update(tables.heads)
                .where(heads.sweep == sweep, heads.attempt == attempt, heads.ticket == ticket_hash)
                .values(ticket=None, token=token_hash)
            )
            return changed.rowcount == 1

    def of(self, name: str) -> HeadRecord | None:
        """The newest head of a sweep."""
        query = select(tables.heads).join(tables.sweeps).where(tables.sweeps.c.name == name)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return HeadRecord(**{field.name: row._mapping[field.name] for field in fields(HeadRecord)})

    def by_token(self, token_hash: str) -> tuple[str, int] | None:
        """The sweep and attempt that a token is for."""
        query = select(tables.sweeps.c.name, tables.heads.c.attempt).join(tables.heads)
        with self._database.read() as connection:
            row = connection.execute(query.where(tables.heads.c.token == token_hash)).first()
        return None if row is None else (row.name, row.attempt)

    def gone(self, name: str, attempt: int) -> None:
        """The head has ended: its token opens nothing any more."""
        sweep = select(tables.sweeps.c.id).where(tables.sweeps.c.name == name).scalar_subquery()
        with self._database.write() as connection:
            connection.execute(
                delete(tables.heads).where(tables.heads.c.sweep == sweep, tables.heads.c.attempt == attempt)
            )
