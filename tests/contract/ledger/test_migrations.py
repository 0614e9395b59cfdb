"""Older databases come to the newest schema with every row they hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, insert, table, text
from sqlalchemy import column as col

from service.ledger.database import schema, tables
from service.ledger.records import Batch, DecisionRecord
from service.ledger.store.store import Store
from tests.contract.ledger.conftest import SPEC

SHARED = ("slots", "running", "wanted", "asks", "package", "diff", "key", "due", "made_room_for")
NEW = {
    "sweeps": {"simulated": 0, "priority": 0, "weight": 1.0, "waits": "", "barren": 0, "delays": 0, "holder": "person"}
    | dict.fromkeys(SHARED),
    "trials": {"skipped": "[]"},
}
OLD: dict[str, dict[str, Any]] = {
    "sweeps": {
        **{"id": 7, "name": "a", "spec": json.dumps(SPEC), "project": "/project", "owner": "ada", "state": "STARTING"},
        **{"wish": None, "why": "", "attempt": 1, "head": "host:1:0", "claimed": 5.0, "heartbeat": 6.0},
        **{"created": 4.0, "started": 5.0, "finished": None, "commit": None, "seconds": 0.25},
    },
    "trials": {
        **{"sweep": 7, "number": 3, "config": '{"x": 1}', "state": "RUNNING", "stage": 1, "round": 0},
        **{"origin": "random", "attempt": 0, "checkpoint": None, "why": "", "error": None, "diagnosis": None},
        **{"node": None, "seconds": 1.5, "gpu_seconds": 0.0, "started": 5.5, "finished": None},
    },
    "reports": {
        **{"id": 11, "sweep": 7, "trial": 3, "stage": 0, "epoch": 1, "data": 0.1, "budget": 0.1},
        **{"metrics": '{"score": "nan"}', "time": 1.0, "stage_end": True, "seconds": 0.5},
    },
    "decisions": {
        **{"id": 13, "sweep": 7, "trial": 3, "stage": 0, "verdict": "continue", "reason": "rank 1 of 1"},
        **{"numbers": '{"rank": 1}', "time": 1.5},
    },
}


@pytest.fixture
def first(empty: str) -> str:
    """A database of the first schema, with a row in each table."""
    engine = create_engine(empty)
    with engine.begin() as connection:
        schema.upgrade(connection, "0001")
        for name, row in OLD.items():
            connection.execute(insert(table(name, *map(col, row))), row)
            if "id" in row and connection.dialect.name == "postgresql":  # as if the database had given it
                connection.execute(text(f"select setval(pg_get_serial_sequence('{name}', 'id'), {row['id']})"))
    engine.dispose()
    return empty


def rows(connection: Connection, name: str) -> list[dict[str, Any]]:
    found = connection.execute(text(f"select * from {name}"))
    return [{key: _as_written(value) for key, value in row._mapping.items()} for row in found]


def _as_written(value: Any) -> Any:
    """JSON as text: the driver of PostgreSQL reads it."""
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def test_the_first_schema_upgrades_and_keeps_every_row(first: str) -> None:
    store = Store(first)
    with store.database.read() as connection:
        assert schema.version(connection) == tables.VERSION
        for name, row in OLD.items():
            assert rows(connection, name) == [row | NEW.get(name, {})]
        assert (rows(connection, "spaces"), rows(connection, "worth")) == ([], [])
    assert store.sweep("a").simulated is False
    assert store.trials("a")[0].skipped == []


def test_an_upgraded_database_works_as_a_new_one(first: str) -> None:
    store = Store(first)
    store.append("a", 1, Batch(decisions=[DecisionRecord(3, 0, "promote", "a slot is free", {}, 2.0)]))
    assert [d.verdict for d in store.decisions("a")] == ["continue", "promote"]
    store.remove("a", lambda _: False)
    with store.database.read() as connection:
        assert all(rows(connection, name) == [] for name in OLD)


DAEMON = "daemon host:1:0:9"
TOLD: dict[str, tuple[dict[str, Any], tuple[str | None, str | None]]] = {
    "own": ({"state": "RUNNING", "head": "host:1:0"}, ("person", None)),
    "served": ({"state": "RUNNING", "head": DAEMON}, ("daemon", None)),
    "leaving": (
        {"state": "RUNNING", "head": DAEMON, "wish": "yield", "why": "made room for urgent: it is first"},
        ("daemon", "urgent"),
    ),
    "left": ({"state": "QUEUED", "head": None, "why": "made room for urgent: it is first"}, (None, "urgent")),
    "waiting": ({"state": "QUEUED", "head": None, "why": "could not start: no room"}, (None, None)),
}
"""Sweeps as the fifth schema has them, and who holds them and for whom they made room by the sixth."""


def test_what_names_and_reasons_told_becomes_data(empty: str) -> None:
    engine = create_engine(empty)
    with engine.begin() as connection:
        schema.upgrade(connection, "0005")
        for number, (name, (fields, _)) in enumerate(TOLD.items(), 1):
            row = OLD["sweeps"] | {"id": number, "name": name} | fields
            connection.execute(insert(table("sweeps", *map(col, row))), row)
    engine.dispose()
    store = Store(empty)
    found = {sweep.name: (sweep.holder, sweep.made_room_for) for sweep in store.sweeps()}
    assert found == {name: becomes for name, (_, becomes) in TOLD.items()}


def test_the_migrations_lead_to_the_tables_of_the_code(empty: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = create_engine(empty)
    with engine.begin() as connection:
        schema.upgrade(connection)
        assert schema.version(connection) == tables.VERSION
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    engine.dispose()
