"""SQLite in WAL mode, every commit on the disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

PATIENCE = 30.0
"""Seconds to wait for another process that writes, or that opens a new database, too."""

PRAGMAS = (f"busy_timeout={PATIENCE * 1000:.0f}", "synchronous=FULL", "foreign_keys=ON")


def engine(url: URL) -> Engine:
    """An engine whose connections with the option ``writing`` hold the write lock from their first statement on."""
    engine = create_engine(url)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _: object) -> None:
    connection.isolation_level = None  # The driver must not begin transactions of its own: _begin does.
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:  # SQLite's busy timeout does not cover a switch to WAL.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
