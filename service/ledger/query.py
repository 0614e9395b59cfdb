"""Read-only SQL over the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, ResourceClosedError

from service.ledger.database import Database
from service.spec.errors import UserError

SYNTAX = "write one SELECT over the tables sweeps, trials, reports, decisions"


def run(database: Database, statement: str) -> tuple[list[str], list[Sequence[Any]]]:
    """Column names and rows of one query; the database refuses to change anything for it.

    Raises:
        UserError: the statement is wrong, or would write.
    """
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        try:
            answer = connection.execute(text(statement))
            return list(answer.keys()), [tuple(row) for row in answer]
        except (DatabaseError, ResourceClosedError) as error:
            reason = getattr(error, "orig", None) or "it returns no rows"
            raise UserError(f"cannot run {statement!r}: {reason}", SYNTAX) from error
        finally:
            connection.exec_driver_sql("PRAGMA query_only=OFF")
