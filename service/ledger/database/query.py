"""Read-only SQL over the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, ResourceClosedError

from service.ledger.database.database import Database
from service.spec.errors import UserError

SYNTAX = "write one SELECT over the tables sweeps, trials, reports, decisions, spaces, worth"

Answer = tuple[list[str], list[Sequence[Any]]]


def run(database: Database, statement: str) -> Answer:
    """Column names and rows of one query in the database's own SQL; the database refuses to change anything for it.

    Raises:
        UserError: the statement is wrong, or would write.
    """
    with database.read() as connection:
        try:
            return _postgres(connection, statement) if database.is_postgres else _sqlite(connection, statement)
        except (DBAPIError, ResourceClosedError) as error:
            raise _refused(statement, getattr(error, "orig", None) or "it returns no rows") from error


def _sqlite(connection: Connection, statement: str) -> Answer:
    connection.exec_driver_sql("PRAGMA query_only=ON")
    attachable = _limit_attached(connection, 0)  # ATTACH would make a file, and query_only lets it
    try:
        answer = connection.exec_driver_sql(statement)
        return list(answer.keys()), [tuple(row) for row in answer]
    finally:
        _limit_attached(connection, attachable)
        connection.exec_driver_sql("PRAGMA query_only=OFF")


def _limit_attached(connection: Connection, count: int) -> int:
    driver: Any = connection.connection.driver_connection
    return int(driver.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, count))


def _postgres(connection: Connection, statement: str) -> Answer:
    """By a cursor on the server, in a transaction that only reads.

    A cursor is for one SELECT: no COPY that runs a program, no COMMIT that leaves the transaction. What the query did
    to the session (a lock, say) goes with the connection, which is not used again.
    """
    import psycopg
    from psycopg.types import numeric, string

    driver: Any = connection.connection.driver_connection
    connection.detach()
    try:
        with driver.cursor("sieve") as cursor:
            cursor.adapters.register_loader("numeric", numeric.FloatLoader)  # sums of integers: no decimals in a frame
            cursor.adapters.register_loader("json", string.TextLoader)  # as SQLite has it
            cursor.execute(statement)
            return [column.name for column in cursor.description], cursor.fetchall()
    except psycopg.Error as error:
        raise _refused(statement, error) from error


def _refused(statement: str, error: object) -> UserError:
    return UserError(f"cannot run {statement!r}: {_first_line(error)}", SYNTAX)


def _first_line(error: object) -> str:
    return str(error).partition("\n")[0]
