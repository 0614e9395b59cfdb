"""Connections: SQLite in WAL mode, every commit on the disk before it is acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError

from service.ledger import schema
from service.ledger.errors import DiskFull
from service.ledger.tables import VERSION
from service.spec.errors import SieveError, UserError

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000")


class Database:
    """One database by its SQLAlchemy URL, with its schema up to date. Safe to use from several threads.

    Raises:
        UserError: it cannot be opened or written.
        NewerSchema: it was written by a newer Sieve.
    """

    def __init__(self, url: str | URL) -> None:
        self.engine = _engine(url)
        try:
            with self.engine.connect() as connection:
                current = schema.version(connection) == VERSION
            if not current:
                with self.write() as connection:
                    schema.migrate(connection)
        except DatabaseError as error:
            raise UserError(
                f"cannot open the ledger {url}: {error.orig}",
                "make its folder exist and be writable, or choose another with --home or SIEVE_HOME",
            ) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database.

        Raises:
            SieveError: the database is locked for long, or broken.
        """
        try:
            with self.engine.connect() as connection:
                yield connection
        except OperationalError as error:
            raise _refusal(error, self.engine.url) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection that holds the write lock; commits at the end, rolls back on an error.

        Raises:
            DiskFull: there is no room for what was written.
            SieveError: the database is locked for long, or broken.
        """
        try:
            with self.engine.connect().execution_options(writing=True) as connection, connection.begin():
                yield connection
        except OperationalError as error:
            raise _refusal(error, self.engine.url) from error


def _engine(url: str | URL) -> Engine:
    engine = create_engine(url)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _: object) -> None:
    connection.isolation_level = None  # The driver must not begin transactions of its own: _begin does.
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _refusal(error: OperationalError, url: URL) -> SieveError:
    if "is full" in str(error.orig):
        return DiskFull(
            f"the disk is full: the ledger {url} cannot be written",
            "free some space and run the sweep again; it goes on where it was",
        )
    return SieveError(
        f"the ledger {url} does not answer: {error.orig}", "see that no other program holds it and that it is whole"
    )
