"""Every implementation of the store that the contract is for, by the URL it is opened with."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.ledger.store import Store

SPEC = {"task": "toy:curve", "metric": {"name": "score", "goal": "maximize"}}


@pytest.fixture(params=["sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'sieve.db'}"


@pytest.fixture
def store(url: str) -> Store:
    return Store(url)


@pytest.fixture
def claimed(store: Store) -> Store:
    """A store whose sweep ``a`` is in its first attempt."""
    store.create("a", SPEC, "/project", "ada", None)
    store.claim("a", "host:1:0", lambda _: False)
    return store
