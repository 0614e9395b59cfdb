"""Streams whose line breaks are taken up where they were, on real sockets."""

from __future__ import annotations

from contextlib import closing

import pytest

from service.interface.remote.connection import Connection, RetryPolicy
from service.interface.remote.event_stream import events, lines
from service.interface.remote.problem_errors import NoAnswer
from service.interface.source import Event, Standing
from tests.unit.interface.remote.test_connection import answering

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
RUNNING, OVER = Standing("RUNNING", "", True), Standing("STOPPED", "enough", False)
QUICK = RetryPolicy(read=1.0, away=0.3)


def chunk(text: str) -> bytes:
    return f"{len(text.encode()):x}\r\n{text}\r\n".encode()


def cut(kind: bytes, *texts: str) -> bytes:
    """An answer whose end is missing."""
    return HEAD % kind + b"".join(map(chunk, texts))


def sent(number: int, state: str) -> str:
    return f'event: sweep\nid: {number}\ndata: {{"sweep": "toy", "state": "{state}", "why": ""}}\n\n'


def test_events_go_on_after_the_last_that_came() -> None:
    first = cut(b"text/event-stream", sent(1, "QUEUED"), ": ping\n\n", sent(2, "RUNNING"))
    second = cut(b"text/event-stream", sent(3, "STOPPED"), sent(4, "never read"))
    with answering(first, second) as (address, requests), closing(Connection(address, patience=QUICK)) as connection:
        seen = list(events(connection, "toy", lambda: RUNNING))
    assert [event.id for event in seen] == ["1", "2", "3"]
    assert b"last-event-id" not in requests[0].lower()
    assert b"last-event-id: 2" in requests[1].lower()


def test_events_of_a_sweep_that_ended_while_the_line_was_broken_end() -> None:
    standings = iter([RUNNING, OVER])
    with (
        answering(cut(b"text/event-stream", sent(1, "RUNNING"))) as (address, _),
        closing(Connection(address, patience=QUICK)) as connection,
    ):
        seen = list(events(connection, "toy", lambda: next(standings)))
    assert seen[-1] == Event("sweep", {"sweep": "toy", "state": "STOPPED", "why": "enough"})


def test_a_service_that_is_gone_ends_them_in_words() -> None:
    with (
        answering(cut(b"text/event-stream", sent(1, "RUNNING"))) as (address, _),
        closing(Connection(address, patience=QUICK)) as connection,
    ):
        happening = events(connection, "toy", lambda: RUNNING)
        assert next(happening).id == "1"
    with closing(Connection(address, patience=QUICK)) as connection, pytest.raises(NoAnswer, match="cannot be reached"):
        list(events(connection, "toy", lambda: RUNNING))


def test_a_log_that_is_followed_goes_on_without_repeating() -> None:
    first = cut(b"text/plain", "one\n", "two\nthr")
    second = cut(b"text/plain", "one\ntwo\nthree\n", "four\n") + b"0\r\n\r\n"
    with answering(first, second) as (address, requests), closing(Connection(address, patience=QUICK)) as connection:
        standings = iter([RUNNING, OVER])
        found = list(lines(connection, "toy", True, lambda: next(standings)))
    assert found == ["one", "two", "three", "four"]
    assert b"follow=1" in requests[0]


def test_a_log_is_followed_over_the_end_of_a_service_and_to_the_next_head() -> None:
    answers = [
        cut(b"text/plain", *texts) + b"0\r\n\r\n"
        for texts in (["one\n"], ["one\n", "two\n"], ["uno\n", "dos\n"], ["uno\n", "dos\n", "tres\n"])
    ]
    standings = iter([RUNNING, RUNNING, RUNNING, OVER])
    with answering(*answers) as (address, _), closing(Connection(address, patience=QUICK)) as connection:
        found = list(lines(connection, "toy", True, lambda: next(standings)))
    assert found == ["one", "two", "uno", "dos", "tres"]


def test_a_log_that_is_cut_short_says_so_where_nobody_follows() -> None:
    with (
        answering(cut(b"text/plain", "one\n")) as (address, _),
        closing(Connection(address, patience=QUICK)) as connection,
        pytest.raises(NoAnswer, match="broke off"),
    ):
        list(lines(connection, "toy", False, lambda: RUNNING))
