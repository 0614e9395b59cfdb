"""Where the ledger lies, and what people read when it cannot lie there."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.ledger import find_home, open_store
from service.ledger.home import checkpoint_folder, report_file
from service.ledger.store.store import UnknownSweep
from service.spec.errors import UserError


@pytest.fixture(autouse=True)
def no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SIEVE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_home_is_here_if_there_is_none(tmp_path: Path) -> None:
    assert find_home() == tmp_path / ".sieve"


def test_the_nearest_home_above_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".sieve").mkdir()
    below = tmp_path / "project" / "notebooks"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_home() == tmp_path / ".sieve"
    (tmp_path / "project" / ".sieve").mkdir()
    assert find_home() == tmp_path / "project" / ".sieve"


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".sieve").mkdir()
    monkeypatch.setenv("SIEVE_HOME", "elsewhere")
    assert find_home() == tmp_path / "elsewhere"


def test_looking_makes_nothing(tmp_path: Path) -> None:
    store = open_store()
    assert store.sweeps() == []
    with pytest.raises(UnknownSweep, match="none yet"):
        store.sweep("digits")
    assert list(tmp_path.iterdir()) == []


def test_a_made_store_is_found_again(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "50 % ?#" / ".sieve"
    open_store(home, create=True).create("a", {}, "/project", "ada", None)
    assert [sweep.name for sweep in open_store(home).sweeps()] == ["a"]
    assert (home / "sieve.db").is_file()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/home.*choose a writable one"):
        open_store(tmp_path / "file" / "home", create=True)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "sieve.db").write_text("not a database " * 100)
    with pytest.raises(UserError, match=r"sieve\.db.*not a database"):
        open_store(tmp_path)


def test_each_sweep_has_its_own_places(tmp_path: Path) -> None:
    assert checkpoint_folder(tmp_path, "a") == tmp_path / "checkpoints" / "a"
    assert report_file(tmp_path, "a") == tmp_path / "reports" / "a.html"
