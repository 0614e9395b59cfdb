"""Where a machine keeps its sweeps: the folder ``.sieve``."""

from __future__ import annotations

from pathlib import Path

from service.ledger.database import address
from service.ledger.folder import find_home
from service.ledger.store.store import Store
from service.spec.errors import UserError

__all__ = ["checkpoint_folder", "find_home", "open_store", "report_file", "spool_folder"]

EMPTY = "sqlite://"


def open_store(home: Path | None = None, create: bool = False) -> Store:
    """The store that SIEVE_DATABASE_URL names, else that of ``home`` (default: `find_home`).

    In a home one that is not there yet is made if ``create``, else it is empty.

    Raises:
        UserError: the folder or the database cannot be written, or the URL names no database.
    """
    if (url := address.given()) is not None:
        return Store(url)
    home = home or find_home()
    file = home / "sieve.db"
    if not create and not file.exists():
        return Store(EMPTY)
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the folder {home}: {error.strerror}", "choose a writable one with --home or SIEVE_HOME"
        ) from error
    return Store(address.of_file(file))


def checkpoint_folder(home: Path, sweep: str) -> Path:
    """Where the trials of ``sweep`` keep their checkpoints."""
    return home / "checkpoints" / sweep


def spool_folder(home: Path, sweep: str) -> Path:
    """Where heads of ``sweep`` keep what they could not hand in yet."""
    return home / "spool" / sweep


def report_file(home: Path, sweep: str) -> Path:
    """Where the report page of ``sweep`` lies."""
    return home / "reports" / f"{sweep}.html"
