"""Where a machine keeps its sweeps: the folder ``.sieve``."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL

from service.ledger.store import Store
from service.spec.errors import UserError

NAME = ".sieve"
EMPTY = "sqlite://"


def find_home() -> Path:
    """SIEVE_HOME, else the nearest ``.sieve`` in the current folder or one above (as git finds its own), else here."""
    given = os.environ.get("SIEVE_HOME")
    if given:
        return Path(given).expanduser().resolve()
    here = Path.cwd()
    return next((folder / NAME for folder in (here, *here.parents) if (folder / NAME).is_dir()), here / NAME)


def open_store(home: Path | None = None, create: bool = False) -> Store:
    """The store of ``home`` (default: `find_home`). One that is not there yet is made if ``create``, else it is empty.

    Raises:
        UserError: the folder or the database cannot be written.
    """
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
    return Store(URL.create("sqlite", database=str(file)))  # as text, a ? in the path would end it


def checkpoint_folder(home: Path, sweep: str) -> Path:
    """Where the trials of ``sweep`` keep their checkpoints."""
    return home / "checkpoints" / sweep


def report_file(home: Path, sweep: str) -> Path:
    """Where the report page of ``sweep`` lies."""
    return home / "reports" / f"{sweep}.html"
