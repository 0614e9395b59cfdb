"""What a database does when it is not there, not whole, or goes away for a while."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from service.ledger.database import database as seam
from service.ledger.home import open_store
from service.ledger.records import Batch, ReportRecord
from service.ledger.results import history
from service.ledger.store.store import Store, Unreachable
from service.spec.errors import SieveError, UserError
from tests.contract.ledger.conftest import SPEC
from tests.postgres import PASSWORD, Server

OPENER = """
import sys
from service.ledger.store.store import Store
print("ready", flush=True)
sys.stdin.readline()
print(len(Store(sys.argv[1]).sweeps()))
"""


@pytest.fixture
def apart() -> Iterator[Server]:
    """A server of this test's own, to be stopped and started."""
    server = Server()
    yield server
    server.stop()


def test_many_processes_open_an_empty_database_at_once(empty: str) -> None:
    command = [sys.executable, "-c", OPENER, empty]
    openers = [subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) for _ in range(3)]
    for opener in openers:
        assert opener.stdout is not None
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    assert [opener.communicate() for opener in openers] == [("0\n", "")] * 3
    assert Store(empty).create("a", SPEC, "/project", "ada", None).state == "QUEUED"


def test_a_server_that_restarts_is_waited_for(apart: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head writes on while its server is shut down and then crashes: every report is there, once."""
    apart.make("sieve")
    store = Store(apart.url("sieve"))
    store.create("a", SPEC, "/project", "ada", None)
    store.claim("a", "head", lambda _: False)
    over, errors = threading.Event(), []

    def write() -> None:
        epoch = 0
        try:
            while not over.is_set():
                epoch += 1
                report = ReportRecord(1, 0, epoch, 1.0, 1.0, {"score": 0.5}, 0.0, False, 0.1)
                store.append("a", 1, Batch(reports=[report]))
        except SieveError as error:
            errors.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    for mode in ("fast", "immediate"):
        apart.restart(mode)
        before = len(store.reports("a"))
        while len(store.reports("a")) < before + 5 and not errors:
            time.sleep(0.01)
    over.set()
    writer.join()
    assert errors == []
    epochs = [report.epoch for report in store.reports("a")]
    assert epochs == [*range(1, len(epochs) + 1)]
    apart.halt()
    monkeypatch.setattr(seam, "PATIENCE", 0.2)
    with pytest.raises(Unreachable, match=r"does not answer: .*see that its server runs") as caught:
        store.sweep("a")
    assert PASSWORD not in str(caught.value)
    apart.start()
    assert store.beat("a", 1, "RUNNING").wish is None


def test_a_url_of_no_server_is_told_without_the_password(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server.url("template")
    wrong = {
        url.replace(str(server.port), "1"): "Connection refused",
        url.replace("/template", "/nothere"): 'database "nothere" does not exist',
        url.replace("ada:", "eve:"): "password authentication failed",
        url.replace("s3cret", "s4cret"): "password authentication failed",
    }
    for bad, reason in wrong.items():
        monkeypatch.setenv("SIEVE_DATABASE_URL", bad)
        with pytest.raises(UserError, match="see that its server runs and that SIEVE_DATABASE_URL names") as caught:
            open_store()
        assert reason in str(caught.value)
        assert ":***@" in str(caught.value)
        assert "cret" not in str(caught.value)


def test_a_user_who_may_make_no_tables_is_told_the_cure(server: Server) -> None:
    url = server.make("closed")
    server.say("create role bob login password 'bob'")
    with pytest.raises(UserError, match=r"permission denied.*GRANT CREATE ON SCHEMA public TO bob"):
        Store(url.replace(url.split("//")[1].split("@")[0], "bob:bob"))
    server.drop("closed")


def test_the_environment_names_the_database(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = server.make("named", "template")
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        monkeypatch.setenv("SIEVE_DATABASE_URL", url.replace("postgresql+psycopg", scheme))
        open_store(tmp_path / "unused").create(scheme.replace("+", "-"), SPEC, "/project", "ada", None)
    assert len(Store(url).sweeps()) == 3
    assert list(tmp_path.iterdir()) == []
    server.drop("named")


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_what_does_not_fit_is_the_users_to_mend(store: Store) -> None:
    with pytest.raises(UserError, match=r"the ledger cannot hold this: .*give a shorter text"):
        store.create("x" * 64, SPEC, "/project", "ada", None)


def test_a_new_database_that_another_process_sets_up_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself refuses at once to change the journal of a database that somebody writes."""
    other = sqlite3.connect(tmp_path / "sieve.db", isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    done = threading.Timer(0.5, other.execute, ("commit",))
    done.start()
    assert Store(f"sqlite:///{tmp_path / 'sieve.db'}").sweeps() == []
    done.join()
    other.close()


@pytest.mark.parametrize("read", [lambda store: store.reports("a"), lambda store: history.read(store.database, "a")])
def test_a_broken_schema_is_told(store: Store, read: Callable[[Store], object]) -> None:
    with store.database.write() as connection:
        connection.execute(text("drop table reports"))
    store.create("a", SPEC, "/project", "ada", None)
    with pytest.raises(SieveError, match=r"reports.*see that no other program"):
        read(store)
