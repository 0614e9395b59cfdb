"""Tokens, hosts, sizes, headers: who gets in, and what they must not learn."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.interface.api.failed_logins import ALLOWED, FailedLogins
from service.interface.api.guard.exposure import Exposure
from service.interface.api.guard.hosts import hostname
from service.interface.api.server import admin_token
from service.interface.api.service_settings import ServiceSettings
from service.ledger import Store
from service.ledger.errors import Unreachable
from service.spec.errors import UserError
from tests.unit.interface.api.conftest import Person


def test_a_token_is_made_listed_and_revoked_at_once(admin: Person, app: FastAPI) -> None:
    made = admin("POST", "/tokens", json={"user": "bob", "role": "viewer"}).json()
    bob = Person(app, made["token"])
    assert bob("GET", "/sweeps").status_code == 200
    [listed] = [token for token in admin("GET", "/tokens").json()["items"] if token["user"] == "bob"]
    assert listed == {key: made[key] for key in ("id", "user", "role", "created", "revoked")}
    assert admin("DELETE", f"/tokens/{made['id']}").status_code == 204
    assert bob("GET", "/sweeps").status_code == 401
    assert admin("DELETE", "/tokens/999").json()["detail"] == "there is no token 999"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer  ", "Basic abc", "bearer wrong", "Bearer \xff\xfe"])
def test_what_is_no_token_opens_nothing(app: FastAPI, header: str) -> None:
    client = TestClient(app, "http://localhost", headers={"Authorization": header.encode("latin-1")})
    assert client.get("/api/v1/sweeps").status_code == 401


def test_after_ten_wrong_tokens_in_a_minute_the_next_waits_but_a_right_one_does_not(
    app: FastAPI, viewer: Person
) -> None:
    wrong = Person(app, "sieve_guess")
    assert [wrong("GET", "/queue").status_code for _ in range(ALLOWED + 1)] == [401] * ALLOWED + [429]
    assert 1 <= int(wrong("GET", "/queue").headers["Retry-After"]) <= 60
    assert viewer("GET", "/queue").status_code == 200


def test_failures_are_forgotten_after_a_minute_and_addresses_when_there_are_too_many() -> None:
    now = [0.0]
    failures = FailedLogins(lambda: now[0], most=2)
    assert [failures.note("a") for _ in range(ALLOWED)] == [None] * ALLOWED
    assert failures.note("a") == 60.0
    now[0] = 60.0
    assert failures.note("a") is None
    for address in "bc":
        failures.note(address)
    assert list(failures._times) == ["b", "c"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8700", 200),
        ("127.0.0.1", 200),
        ("[::1]:80", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("10.0.0.1", 421),
        ("", 421),
    ],
)
def test_only_its_own_names_are_answered(app: FastAPI, host: str, status: int) -> None:
    assert TestClient(app, "http://localhost").get("/healthz", headers={"Host": host}).status_code == status


def test_a_service_for_all_addresses_answers_to_addresses_and_the_names_it_was_given() -> None:
    exposure = Exposure("0.0.0.0", behind_proxy=True, names=("Sieve.example",))
    assert exposure.any_address
    assert "sieve.example" in exposure.hosts
    assert hostname("Sieve.Example.:443") == "sieve.example"


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.0.2.7", "sieve.example"])
def test_beyond_this_machine_it_listens_only_in_secret(host: str) -> None:
    with pytest.raises(UserError, match="--tls-cert and --tls-key, or --behind-proxy"):
        Exposure(host).check()
    Exposure(host, behind_proxy=True).check()


def test_half_a_certificate_is_refused(tmp_path: Any) -> None:
    with pytest.raises(UserError, match="give both"):
        Exposure(certificate=tmp_path / "cert.pem").check()
    with pytest.raises(UserError, match="there is no file"):
        Exposure(certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem").check()


def test_a_taken_port_is_said_with_the_cure() -> None:
    with Exposure(port=0).listen() as taken, pytest.raises(UserError, match="choose another --port"):
        Exposure(port=taken.getsockname()[1]).listen()


def test_a_body_too_large_is_refused_whatever_it_says(admin: Person, settings: ServiceSettings) -> None:
    large = b" " * (settings.body + 1)
    json = {"Content-Type": "application/json"}
    assert admin("POST", "/tokens", content=large, headers=json).status_code == 413
    response = admin("POST", "/tokens", content=iter([large[:1000], large]), headers=json)
    assert (response.status_code, response.headers["content-type"]) == (413, "application/problem+json")


def test_no_address_leads_to_another(admin: Person) -> None:
    assert admin("GET", "/sweeps/", follow_redirects=False).status_code == 404


def test_no_page_of_another_origin_is_let_in(admin: Person) -> None:
    response = admin("OPTIONS", "/sweeps", headers={"Origin": "http://evil", "Access-Control-Request-Method": "GET"})
    assert response.status_code == 405
    assert not any(header.startswith("access-control") for header in response.headers)


def test_a_request_is_one_line_in_the_log_without_secrets(
    admin: Person, secrets: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "service.api"):
        admin("GET", "/sweeps/toy?owner=sieve_secret")
    [record] = [record for record in caplog.records if record.name == "service.api"]
    assert "'ada' GET /api/v1/sweeps/toy 200" in record.getMessage()
    assert "sieve_" not in record.getMessage()
    assert "\n" not in record.getMessage()


def test_probes_do_not_fill_the_log(admin: Person, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "service.api"):
        assert admin.client.get("/healthz").status_code == 200
    assert [record for record in caplog.records if record.name == "service.api"] == []


def test_an_unexpected_error_says_little(admin: Person, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "page", lambda *_, **__: 1 / 0)
    response = admin("GET", "/sweeps")
    assert response.status_code == 500
    assert response.json()["detail"] == "the service failed: ZeroDivisionError"


def test_metrics_count_by_the_declared_route(viewer: Person) -> None:
    for sweep in ("toy", "nobody"):
        viewer("GET", f"/sweeps/{sweep}")
    viewer("GET", "/no/such/path")
    text = viewer.client.get("/metrics").text
    line = 'sieve_requests_total{method="GET",route="/api/v1/sweeps/{name}",status="%d"} 1.0'
    assert line % 200 in text
    assert line % 404 in text
    assert 'route="unknown",status="404"} 1.0' in text
    assert 'sieve_sweeps{state="RUNNING"} 1.0' in text
    assert "sieve_queue_length 0.0" in text


def test_ready_says_why_it_is_not(stranger: Person, settings: ServiceSettings) -> None:
    assert stranger.client.get("/readyz").status_code == 200
    settings.ailing = lambda: "the daemon has died"
    assert stranger.client.get("/readyz").json()["detail"] == "the daemon has died"
    assert stranger.client.get("/healthz").status_code == 200


def test_a_stranger_does_not_hear_where_the_store_is(
    stranger: Person, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def census() -> None:
        raise Unreachable("the ledger postgresql://ann:***@db.example/sieve does not answer", "")

    monkeypatch.setattr(store.events, "census", census)
    answer = stranger.client.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "the store does not answer")


def test_the_file_of_the_admins_token_is_named_only_where_it_holds_one(tmp_path: Path) -> None:
    store = Store("sqlite://")
    file = admin_token(store, tmp_path)
    assert file == tmp_path / "token"
    assert admin_token(store, tmp_path) == file
    other = Store("sqlite://")
    other.tokens.create("ann", "admin")
    assert admin_token(other, tmp_path) is None
    assert admin_token(other, tmp_path / "elsewhere") is None
    store.tokens.revoke(1)
    assert admin_token(store, tmp_path) == file
    assert store.tokens.of(file.read_text().strip()) is not None
