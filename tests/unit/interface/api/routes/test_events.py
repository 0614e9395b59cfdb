"""Events on a real socket: what changes, what was missed, and that they end with the service."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.interface.api.routes import logs
from service.interface.api.routes.events import follower_of
from service.interface.api.service_settings import ServiceSettings
from service.ledger import Store
from service.ledger.records import Batch, DecisionRecord
from tests.unit.interface.api.conftest import Person, served


def decide(store: Store, trial: int, stage: int = 1) -> None:
    decision = DecisionRecord(trial, stage, "stop", f"stopped {trial}", {"rank": float("nan")}, 2.0)
    store.append("toy", store.sweep("toy").attempt, Batch(decisions=[decision]))


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in lines:
        if not line and event:
            yield event
            event = {}
        elif line.startswith(":"):
            yield {"comment": line}
        elif line:
            key, _, value = line.partition(": ")
            event[key] = json.loads(value) if key == "data" else value


def test_events_come_as_they_happen_resume_and_end_with_the_service(
    settings: ServiceSettings, store: Store, secrets: dict[str, str]
) -> None:
    headers = {"Authorization": f"Bearer {secrets['viewer']}"}
    with served(settings) as url, httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=10) as client:
        with client.stream("GET", "/events") as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            heard = (event for event in events(response.iter_lines()) if "event" in event)
            first = next(heard)
            assert (first["event"], first["data"]["sweep"], first["data"]["state"]) == ("sweep", "toy", "RUNNING")
            decide(store, 3)
            second = next(heard)
            assert second["event"] == "decision"
            assert second["data"] == {
                **{"sweep": "toy", "trial": 3, "stage": 1, "verdict": "stop", "reason": "stopped 3"},
                **{"numbers": {"rank": None}, "time": 2.0},
            }
        decide(store, 4)
        store.end("toy", 1, "SUCCEEDED", "done")
        with client.stream("GET", "/events", headers={"Last-Event-ID": second["id"]}) as response:
            heard = events(response.iter_lines())
            missed = [event["data"] for event in (next(heard), next(heard))]
            assert [event.get("trial", event.get("state")) for event in missed] == ["SUCCEEDED", 4]
            assert next(heard)["comment"].startswith(":")
            threading.Timer(0.2, settings.stop.set).start()
            began = time.monotonic()
            assert [event for event in heard if "event" in event] == []
            assert time.monotonic() - began < 5
    assert not settings.listeners.total()


def test_a_log_that_is_followed_ends_with_the_service(settings: ServiceSettings, secrets: dict[str, str]) -> None:
    settings.logs = lambda sweep: iter(["begun\n"])
    headers = {"Authorization": f"Bearer {secrets['viewer']}"}
    with (
        served(settings) as url,
        httpx.stream("GET", f"{url}/api/v1/sweeps/toy/logs?follow=1", headers=headers, timeout=10) as response,
    ):
        lines = response.iter_lines()
        assert next(lines) == "begun"
        settings.stop.set()
        assert list(lines) == []


def test_a_listener_to_one_sweep_hears_of_it_alone_even_when_it_has_ended(
    settings: ServiceSettings, store: Store
) -> None:
    store.create("other", store.sweep("toy").spec, ".", "ann", None)
    store.end("toy", 1, "FAILED", "so")
    follower = follower_of(settings, "toy", None)
    assert [(news.kind, news.content["state"]) for news in follower.news()] == [("sweep", "FAILED")]
    assert list(follower.news()) == []
    store.remove("toy", lambda _: False)
    assert [(news.kind, dict(news.content)) for news in follower.news()] == [("removed", {"sweep": "toy"})]


def test_a_listener_who_hears_half_of_the_news_misses_none(settings: ServiceSettings, store: Store) -> None:
    follower = follower_of(settings, None, None)
    list(follower.news())
    for trial in (1, 3, 4):
        decide(store, trial)
    heard = list(follower.news())
    again = list(follower_of(settings, None, heard[0].id).news())
    assert [news.content["trial"] for news in heard] == [1, 3, 4]
    assert [news.content["trial"] for news in again if news.kind == "decision"] == [3, 4]


@pytest.mark.parametrize("heard", ["", "x", "-", "1", "1-", "-1-1", "1-2-3", "9" * 60, "²-1"])
def test_a_strange_id_begins_anew(settings: ServiceSettings, heard: str) -> None:
    assert [news.kind for news in follower_of(settings, None, heard).news()] == ["sweep"]


def test_one_person_does_not_take_all_the_streams(settings: ServiceSettings, viewer: Person, admin: Person) -> None:
    settings.logs = lambda sweep: iter(["begun"])
    settings.stop.set()  # so that streams end
    settings.listeners["vic"] = settings.streams
    for path in ("/events", "/sweeps/toy/logs?follow=1"):
        refused = viewer("GET", path)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
        assert admin("GET", path).status_code == 200


def test_of_an_endless_log_the_end_is_kept(
    settings: ServiceSettings, viewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MOST", 10)
    settings.logs = lambda sweep: (f"line {number:3}\n" for number in range(100))
    text = viewer("GET", "/sweeps/toy/logs").text
    told, *last = text.splitlines()
    assert told == f"… {900 - len(''.join(last)) - len(last)} characters are left out"
    assert last[-1] == "line  99"
    assert len(text) < 60


def test_who_follows_a_log_gets_each_piece_once_and_a_new_one_anew() -> None:
    old, new = logs.LogTail(1, 0, "abc"), logs.LogTail(1, 2, "cdef")
    assert (old.since(0), new.since(old.end), new.since(new.end)) == ("abc", "def", "")
    assert new.since(0) == "… 2 characters are left out\ncdef"


def test_who_goes_away_in_mid_upload_is_no_failure_of_the_service(
    settings: ServiceSettings, secrets: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with served(settings) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as line:
            words = f"PUT /api/v1/packages/{'0' * 64} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
            line.sendall(f"{words}Authorization: Bearer {secrets['submitter']}\r\n\r\nhalf".encode())
            time.sleep(0.3)
        time.sleep(0.3)
    assert "unexpected error" not in caplog.text
