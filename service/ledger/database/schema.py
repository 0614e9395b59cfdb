"""Brings a database to the newest schema; costs milliseconds when it is there already."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from service.ledger.database.tables import VERSION, metadata
from service.spec.errors import SieveError

FOLDER = Path(__file__).parent / "migrations"


class NewerSchema(SieveError):
    """The database was written by a newer Sieve."""


def version(connection: Connection) -> str | None:
    """The database's schema version; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("select version_num from alembic_version")).scalar()


def migrate(connection: Connection) -> None:
    """Make the newest tables in an empty database, or run the migrations that an older one lacks.

    The caller holds the database's write lock, so that only one does.

    Raises:
        NewerSchema: the database is ahead of this code.
    """
    found = version(connection)
    if found == VERSION:
        return
    if found is not None and found > VERSION:
        raise NewerSchema(
            f"the database has schema {found}, this Sieve knows {VERSION}",
            "upgrade Sieve: pip install -U . in a newer checkout",
        )
    if found is None:
        metadata.create_all(connection)
        connection.execute(text("create table alembic_version (version_num varchar(32) primary key)"))
        connection.execute(text("insert into alembic_version values (:version)"), {"version": VERSION})
    else:
        upgrade(connection)


def upgrade(connection: Connection, target: str = "head") -> None:
    """Run the migrations that the database lacks up to version ``target``, by Alembic: imported here alone, as it takes
    a while.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, target)
