"""Every implementation of the store that the contract is for, by the URL it is opened with."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.ledger.store.store import Store
from tests.postgres import Server, binaries

SPEC: dict[str, Any] = {"task": "toy:curve", "metric": {"name": "score", "goal": "maximize"}}
SPEC |= {"stages": [{"data": 1.0, "epochs": 1}] * 3, "rounds": {"stages": []}}

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server with a database ``template`` that has the newest schema."""
    if binaries() is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    server = Server()
    try:
        Store(server.make("template")).database.engine.dispose()
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the newest schema on PostgreSQL, none yet on SQLite."""
    yield from _fresh(request, tmp_path, "template")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    yield from _fresh(request, tmp_path, "template0")


def _fresh(request: pytest.FixtureRequest, tmp_path: Path, template: str) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'sieve.db'}"
        return
    server: Server = request.getfixturevalue("server")
    name = f"test{next(_numbers)}"
    yield server.make(name, template)
    gc.collect()  # closes the connections of the test's stores
    server.drop(name)


@pytest.fixture
def store(url: str) -> Store:
    return Store(url)


@pytest.fixture
def claimed(store: Store) -> Store:
    """A store whose sweep ``a`` is in its first attempt."""
    store.create("a", SPEC, "/project", "ada", None)
    store.claim("a", "host:1:0", lambda _: False)
    return store
