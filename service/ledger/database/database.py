"""One database, SQLite or PostgreSQL: its schema up to date, its errors in words."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from service.ledger.database import postgres, schema, sqlite
from service.ledger.database.address import shown
from service.ledger.database.refusal import refusal, unopened
from service.ledger.database.tables import VERSION
from service.ledger.errors import Unreachable

PATIENCE = 30.0
"""Seconds that a verb waits for a database that was there and does not answer, such as one that restarts."""

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class Database:
    """One database by its SQLAlchemy URL, with its schema up to date. Safe to use from several threads.

    Raises:
        UserError: it cannot be opened or written.
        NewerSchema: it was written by a newer Sieve.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self.is_postgres = self.url.get_backend_name() == "postgresql"
        self.engine = (postgres if self.is_postgres else sqlite).engine(self.url)
        self._driver: Any = self.engine.dialect.loaded_dbapi
        weakref.finalize(self, self.engine.dispose)
        reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if self.is_postgres else {}
        self._reader = self.engine.execution_options(**reading)
        self._writer = self.engine.execution_options(writing=True)
        try:
            with self.engine.connect() as connection:
                current = schema.version(connection) == VERSION
            if not current:
                self._migrate()
        except DBAPIError as error:
            raise unopened(error, self.url) from error

    def __repr__(self) -> str:
        return f"Database({shown(self.url)!r})"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database.

        Raises:
            Unreachable: the database does not answer, or is locked for long.
            SieveError: it refuses, or is broken.
        """
        with self._translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection that may write; commits at the end, rolls back on an error.

        On SQLite it holds the database's write lock; on PostgreSQL, who changes a row by what it held locks it first.

        Raises:
            DiskFull: there is no room for what was written.
            UserError: the database cannot hold a value.
            IntegrityError: a row breaks a constraint; the caller knows what that means.
            Unreachable: the database does not answer, or is locked for long.
            SieveError: it refuses, or is broken.
        """
        with self._translated(), self._writer.connect() as connection, connection.begin():
            yield connection

    def check(self) -> None:
        """Nothing, if the database answers now. Raises Unreachable at once, SieveError."""
        with self.read() as connection:
            connection.execute(text("select 1"))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise refusal(error, self.url) from error
        except self._driver.Error as error:  # raised by the driver, which ADBC calls directly
            raise refusal(DBAPIError.instance("", None, error, self._driver.Error), self.url) from error

    def _migrate(self) -> None:
        with self._writer.connect() as connection, connection.begin():
            if self.is_postgres:
                postgres.lock_schema(connection)
            schema.migrate(connection)


def patient(verb: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """The verb, tried again for up to PATIENCE seconds while the database does not answer.

    For idempotent verbs only: after a connection is lost it is not known whether the transaction was committed.
    """

    @wraps(verb)
    def wrapper(*args: Given.args, **named: Given.kwargs) -> Answer:
        until, pause = time.monotonic() + PATIENCE, 0.05
        while True:
            try:
                return verb(*args, **named)
            except Unreachable:
                if time.monotonic() > until:
                    raise
                time.sleep(pause)
                pause = min(1.0, 2 * pause)

    return wrapper
