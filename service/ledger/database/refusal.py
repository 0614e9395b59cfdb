"""Database errors as SieveErrors, with the password of the URL hidden."""

from __future__ import annotations

from sqlalchemy import URL
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError

from service.ledger.database.address import VARIABLE, shown
from service.ledger.errors import DiskFull, Unreachable
from service.spec.errors import SieveError, UserError

FULL = "53100"
DENIED = "42501"
PASSING = ("08", "40", "53300", "57P01", "57P02", "57P03")
"""SQLSTATEs that pass by themselves: the connection is gone, transactions collide, the server starts or stops."""


def refusal(error: DBAPIError, url: URL) -> SieveError:
    """The SieveError for a statement that an open database refuses."""
    where, reason, state = shown(url), _reason(error), getattr(error.orig, "sqlstate", None)
    if state == FULL or "database or disk is full" in reason:
        return DiskFull(
            f"the disk is full: the ledger {where} cannot be written",
            "free some space and run the sweep again; it goes on where it was",
        )
    if isinstance(error, DataError):
        return UserError(f"the ledger cannot hold this: {reason}", "give a shorter text or a smaller number")
    if _is_passing(error, state):
        return Unreachable(f"the ledger {where} does not answer: {reason}", "see that its server runs")
    return SieveError(
        f"the ledger {where} does not answer: {reason}", "see that no other program holds it and that it is whole"
    )


def unopened(error: DBAPIError, url: URL) -> UserError:
    """The SieveError for a database that cannot be opened."""
    if url.get_backend_name() == "sqlite":
        cure = "make its folder exist and be writable, or choose another with --home or SIEVE_HOME"
    elif getattr(error.orig, "sqlstate", None) == DENIED:
        cure = f"let its user make tables: GRANT CREATE ON SCHEMA public TO {url.username or 'USER'}"
    else:
        cure = f"see that its server runs and that {VARIABLE} names the right host, port, database, user and password"
    return UserError(f"cannot open the ledger {shown(url)}: {_reason(error)}", cure)


def _is_passing(error: DBAPIError, state: str | None) -> bool:
    if not hasattr(error.orig, "sqlstate"):  # SQLite has waited for the lock already
        return False
    if state is None:
        return error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))
    return state.startswith(PASSING)


def _reason(error: DBAPIError) -> str:
    """The first line: a server's hints and the statement are for those who wrote it."""
    return str(error.orig).strip().partition("\n")[0]
