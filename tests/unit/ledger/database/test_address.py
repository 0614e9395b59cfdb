"""The URL of the database as people write it, and what they read when it is none."""

from __future__ import annotations

import pickle

import pytest

from service.ledger.database import address
from service.ledger.errors import KeyInUse
from service.spec.errors import UserError

GOOD = {
    "postgres://ada:pw@db/sieve": "postgresql+psycopg://ada:***@db/sieve",
    "postgresql://ada@db:5433/sieve": "postgresql+psycopg://ada@db:5433/sieve",
    "postgresql+psycopg://ada:p%40w@db/sieve?sslmode=require": "postgresql+psycopg://ada:***@db/sieve?sslmode=require",
    "PostgreSQL:///sieve?host=/run/postgresql": "postgresql+psycopg:///sieve?host=%2Frun%2Fpostgresql",
    "postgresql://ada@db/sieve?password=pw": "postgresql+psycopg://ada:***@db/sieve",
    "sqlite:////tmp/sieve.db": "sqlite:////tmp/sieve.db",
}

BAD = {
    "postgre://ada:hunter2@db/sieve": r"did you mean 'postgres'\?",
    "mysql://ada:hunter2@db/sieve": r"names no database that Sieve knows.*; write postgresql://",
    "ada:hunter2@db/sieve": "names no database that Sieve knows",
    "mysql://db/sieve?password=hunter2": "names no database that Sieve knows",
    "postgresql://ada:hunter@2@db/sieve": "more than one @; write an @ in a name or password as %40",
    "postgresql://ada:hunter2@db:port/sieve": "which is no URL",
    "postgresql://ada:hunter2@db": "names no database; write",
}


@pytest.mark.parametrize(("given", "shown"), GOOD.items())
def test_the_forms_of_a_url(given: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIEVE_DATABASE_URL", given)
    url = address.given()
    assert url is not None
    assert address.shown(url) == shown
    assert (url.password or "").replace("@", "") in ("pw", "")


@pytest.mark.parametrize(("given", "message"), BAD.items())
def test_what_is_no_url_is_told_without_the_password(given: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        address.parse(given)
    assert "hunter" not in str(caught.value)
    assert "***" in str(caught.value)


def test_without_the_variable_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for unset in (
        lambda: monkeypatch.setenv("SIEVE_DATABASE_URL", ""),
        lambda: monkeypatch.delenv("SIEVE_DATABASE_URL"),
    ):
        unset()
        assert address.given() is None


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(KeyInUse("used", "take another", "a")))
    assert (str(error), error.sweep) == ("used; take another", "a")
