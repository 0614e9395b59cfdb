"""Every source that the contract is for, on one ledger: a running sweep, a waiting one, one that is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fastapi import FastAPI

from service.engine.control.head_liveness import identity
from service.interface.cli import main
from service.interface.python.handle import Handle
from service.interface.remote.connection import Connection, RetryPolicy
from service.interface.remote.remote_source import RemoteSource
from service.interface.source import Source
from service.interface.source.local import LocalSource
from service.ledger import Store, open_store
from service.ledger.records import Batch, TrialRecord, WorthRecord
from service.spec import load
from tests.contract.interface.served import served
from tests.contract.interface.service import TOKEN, create_app
from tests.unit.interface.conftest import DECISIONS, REPORTS, SPEC, TRIALS

MIXED = TrialRecord(5, {"lr": 0.2, "layers": "none", "wide": True}, "PENDING")
"""A trial whose choices are of other types than those of the others."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Store:
    """``toy`` runs with a live head (this process), ``waiting`` waits, ``over`` has ended, in order of age."""
    store = open_store(home, create=True)
    for name in ("toy", "waiting", "over"):
        store.create(name, load(SPEC | {"name": name}).to_dict(), "/project", "ann", None)
        if name != "waiting":
            store.claim(name, identity(), lambda _: False)
            store.beat(name, 1, "RUNNING")
    worth = [WorthRecord(0, 0.8, 0.5, 0.9, 6, 1.5, "foretells well", 3.0)]
    store.append("toy", 1, Batch((*TRIALS, MIXED), REPORTS, DECISIONS, worth=worth))
    store.append("over", 1, Batch(TRIALS[:1], REPORTS[:1]))
    store.end("over", 1, "SUCCEEDED", "all is done")
    return store


@dataclass
class Place:
    """Where a source of the contract is: the source itself, and the options that name it on the command line."""

    source: Source
    options: tuple[str, ...]
    environment: dict[str, str | None]

    def __call__(self, *words: str, code: int = 0, typed: str = "") -> Result:
        """Runs a verb about this place."""
        result = CliRunner().invoke(main, [*words, *self.options], input=typed, env=self.environment)
        assert result.exit_code == code, result.output
        return result

    def handle(self, name: str) -> Handle:
        """The handle of a sweep there."""
        return Handle(name, self.source)


def local(home: Path) -> Place:
    """The ledger itself."""
    return Place(LocalSource(home), ("--home", str(home)), {})


def remote(address: str) -> Place:
    """A service of that ledger."""
    connection = Connection(address, lambda: TOKEN, RetryPolicy(away=1.0))
    return Place(RemoteSource(connection), ("--address", address), {"SIEVE_TOKEN": TOKEN})


@pytest.fixture
def app(home: Path) -> FastAPI:
    """The application that is served at ``address``."""
    return create_app(home)


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    """A service of the ledger in ``home``."""
    with served(app) as where:
        yield where


@pytest.fixture(params=["local", "remote"])
def place(request: pytest.FixtureRequest, home: Path, store: Store) -> Iterator[Place]:
    chosen = local(home) if request.param == "local" else remote(request.getfixturevalue("address"))
    with closing(chosen.source):
        yield chosen


@pytest.fixture
def both(home: Path, store: Store, address: str) -> Iterator[tuple[Place, Place]]:
    """The ledger, and a service of it."""
    there = remote(address)
    with closing(there.source):
        yield local(home), there
