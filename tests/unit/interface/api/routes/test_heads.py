"""What heads say, before it is believed: by whom it is, how long, of which types."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI

from service.interface.api.failed_logins import ALLOWED
from service.interface.api.service_settings import ServiceSettings
from service.ledger.over_http.head_secret import digest
from service.ledger.store.store import Store
from tests.unit.interface.api.conftest import Person
from tests.unit.interface.api.guard.test_roles import GUARDED, ask

REPORT = {"trial": 3, "stage": 1, "epoch": 4, "data": 1.0, "budget": 4.1, "metrics": {"val_accuracy": 0.8}}
REPORT |= {"time": 9.0, "stage_end": False, "seconds": 1.0}


@pytest.fixture
def head(app: FastAPI, store: Store) -> Person:
    """The head of the sweep toy."""
    attempt = store.sweep("toy").attempt
    store.heads.launched("toy", attempt, None, digest("ticket"))
    secret = Person(app, None)("POST", f"/heads/toy/{attempt}/enroll", json={"ticket": "ticket"}).json()["token"]
    return Person(app, secret)


def say(head: Person, kind: str, body: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head("POST", f"/heads/toy/1/{kind}", content=content)


def test_the_token_of_a_head_opens_its_own_sweep_in_its_own_attempt_alone(head: Person, store: Store) -> None:
    store.create("other", store.sweep("toy").spec, ".", "ann", None)
    assert head("GET", "/heads/toy/1/ledger?part=sweep").json()["name"] == "toy"
    for path in ("/heads/other/1", "/heads/toy/2", "/heads/toy/0"):
        assert head("GET", f"{path}/ledger?part=sweep").status_code == 401
    for route in GUARDED:
        assert ask(head, route).status_code in (401, 429), route.path
    store.reclaim("toy", 1, "daemon")
    assert say(head, "append", {"reports": [REPORT]}).status_code == 409
    store.heads.launched("toy", 2, None, digest("another"))
    assert head("GET", "/heads/toy/1/ledger?part=sweep").status_code in (401, 429)


@pytest.mark.parametrize("kind", ["beat", "append", "end"])
def test_a_strangers_words_are_not_read(stranger: Person, kind: str) -> None:
    def words() -> Any:
        yield b"["
        raise AssertionError("they are read")

    assert stranger("POST", f"/heads/toy/1/{kind}", content=words()).status_code == 401


def test_a_ticket_is_short(stranger: Person) -> None:
    answer = say(stranger, "enroll", b"[" * 5000)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert say(stranger, "enroll", b"[" * 4000).status_code == 422


def test_what_a_head_says_beside_its_batches_is_short(head: Person) -> None:
    assert say(head, "beat", b" " * (2 << 20)).status_code == 413


@pytest.mark.parametrize("attempt", ["99999999999999999999999", "-1", "x", "1e3"])
def test_an_attempt_is_a_small_number(stranger: Person, attempt: str) -> None:
    answer = stranger("POST", f"/heads/toy/{attempt}/enroll", json={"ticket": "a"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_who_guesses_waits_but_the_head_does_not(stranger: Person, head: Person) -> None:
    answers = [say(stranger, "enroll", {"ticket": "guess"}) for _ in range(ALLOWED + 1)]
    assert [answer.status_code for answer in answers] == [401] * ALLOWED + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json()["type"] == "LostClaim"  # a head of before must hear that, whoever else guesses
    assert say(head, "beat", {"state": None, "needs": None}).status_code == 200


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("beat", b"[" * 10_000),
        ("beat", []),
        ("beat", {"state": ["RUNNING"], "needs": None}),
        ("beat", {"state": None, "needs": {"running": 10**30, "wanted": 1, "asks": {}}}),
        ("end", {"state": {}, "why": ""}),
        ("append", {"reports": [REPORT | {"metrics": {"val_accuracy": {}}}]}),
        ("append", {"reports": [REPORT | {"trial": 10**30}]}),
        ("append", {"reports": [REPORT | {"stage": 2}]}),
        ("append", {"trials": [{"number": 3, "config": {}, "state": "RUNNING", "stage": -1}]}),
        ("append", {"trials": [{"number": 3, "config": {}, "state": "RUNNING", "skipped": "all"}]}),
        ("append", {"spaces": [{"round": 1, "parameters": {"lr": {"uniform": 1}}, "reasons": [], "time": 0}]}),
    ],
)
def test_what_no_head_says_is_refused_and_leaves_nothing(
    head: Person, viewer: Person, settings: ServiceSettings, kind: str, body: Any
) -> None:
    before = settings.store.trials("toy"), settings.store.reports("toy"), settings.store.spaces("toy")
    answer = say(head, kind, body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    assert before == (settings.store.trials("toy"), settings.store.reports("toy"), settings.store.spaces("toy"))
    assert viewer("GET", "/sweeps/toy").status_code == 200


def test_what_a_head_says_is_kept(head: Person, store: Store) -> None:
    assert say(head, "append", {"reports": [REPORT | {"metrics": {"val_accuracy": 1e-320}}]}).status_code == 200
    assert store.reports("toy")[-1].metrics == {"val_accuracy": 1e-320}
    assert say(head, "append", b'{"reports": [%s]}' % json.dumps(REPORT | {"epoch": 5}).replace("0.8", "NaN").encode())
    assert store.reports("toy")[-1].metrics["val_accuracy"] != store.reports("toy")[-1].metrics["val_accuracy"]
