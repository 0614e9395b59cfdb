"""Read-only SQL over the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, ResourceClosedError

from service.ledger.database import Database
from service.spec.errors import UserError

SYNTAX = "write one SELECT over the tables sweeps, trials, reports, decisions, spaces, worth"


def run(database: Database, statement: str) -> tuple[list[str], list[Sequence[Any]]]:
    """Column names and rows of one query; the database refuses to change anything for it.

    Raises:
        UserError: the statement is wrong, or would write.
    """
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        attachable = _limit_attached(connection, 0)  # ATTACH would make a file, and query_only lets it
        try:
            answer = connection.exec_driver_sql(statement)
            return list(answer.keys()), [tuple(row) for row in answer]
        except (DBAPIError, ResourceClosedError) as error:
            reason = getattr(error, "orig", None) or "it returns no rows"
            raise UserError(f"cannot run {statement!r}: {reason}", SYNTAX) from error
        finally:
            _limit_attached(connection, attachable)
            connection.exec_driver_sql("PRAGMA query_only=OFF")


def _limit_attached(connection: Connection, count: int) -> int:
    driver: Any = connection.connection.driver_connection
    return int(driver.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, count))
