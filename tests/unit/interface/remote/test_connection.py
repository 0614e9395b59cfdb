"""A connection on real sockets: patience, what is repeated and what is not, errors in words."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from service.interface.remote.connection import Call, Connection, RetryPolicy
from service.interface.remote.problem_errors import Denied, NoAnswer
from service.spec.errors import SieveError

QUICK = RetryPolicy(connect=1.0, read=0.5, away=3.0)
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"is": true}'
AWAY = b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<html"
BROKEN = OK[:-5]

Server = Callable[..., tuple[str, list[bytes]]]


@contextmanager
def answering(*answers: bytes, port: int = 0) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives these answers, one for each connection, and the requests that came; ``b""`` is a hang-up."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", port)) as listening:

        def serve() -> None:
            for answer in answers:
                connected, _ = listening.accept()
                with connected:
                    requests.append(connected.recv(65536))
                    connected.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", requests
        finally:
            for _ in range(len(answers) - len(requests)):  # those that nobody asked for
                with socket.create_connection(listening.getsockname()) as rest:
                    rest.sendall(b"end")
            thread.join()


@pytest.mark.parametrize("first", [b"", AWAY, BROKEN], ids=["hang-up", "503", "cut"])
def test_what_can_be_repeated_is_repeated(first: bytes) -> None:
    with (
        answering(first, first, OK) as (address, requests),
        closing(Connection(address, lambda: "t", QUICK)) as connection,
    ):
        assert connection.json(Call("GET", ("sweeps",))) == {"is": True}
        assert len(requests) == 3
        assert b"authorization: bearer t" in requests[0].lower()


@pytest.mark.parametrize("first", [b"", AWAY, BROKEN], ids=["hang-up", "503", "cut"])
def test_what_must_be_sent_once_is(first: bytes) -> None:
    with answering(first, OK) as (address, requests), closing(Connection(address, patience=QUICK)) as connection:
        with pytest.raises(SieveError):
            connection.json(Call("POST", ("sweeps", "a", "extend"), body={"trials": 1}, once=True))
        assert len(requests) == 1


def test_a_token_that_is_written_while_the_service_starts_is_shown() -> None:
    written = iter((None, "late"))
    with (
        answering(AWAY, OK) as (address, requests),
        closing(Connection(address, lambda: next(written), QUICK)) as connection,
    ):
        assert connection.json(Call("GET", ("sweeps",))) == {"is": True}
        assert [b"authorization" in request.lower() for request in requests] == [False, True]


def test_a_service_that_comes_back_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found: list[object] = []

    def ask() -> None:
        with closing(Connection(f"http://127.0.0.1:{port}", patience=QUICK)) as connection:
            found.append(connection.json(Call("POST", ("sweeps", "a", "extend"), body={}, once=True)))

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.4)  # refused at first: nothing was sent, so that even what must be sent once is tried again
    with answering(OK, port=port):
        asking.join()
    assert found == [{"is": True}]


def test_patience_ends_in_words(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    began = time.monotonic()
    with (
        closing(Connection(address, patience=RetryPolicy(away=0.5))) as connection,
        pytest.raises(NoAnswer, match=rf"the service at {address} cannot be reached: .*refused; see that it runs"),
    ):
        connection.json(Call("GET", ("sweeps",)))
    assert time.monotonic() - began < 3
    assert "trying again for" in caplog.text


def test_a_silent_service_is_not_waited_for_for_ever() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        closing(
            Connection(f"http://127.0.0.1:{silent.getsockname()[1]}", patience=RetryPolicy(read=0.1, away=0.2))
        ) as connection,
        pytest.raises(NoAnswer, match=r"has said nothing for 0\.1 s"),
    ):
        connection.json(Call("GET", ("sweeps",)))


def test_what_is_no_service_is_said() -> None:
    with (
        answering(PAGE) as (address, _),
        closing(Connection(address, patience=QUICK)) as connection,
        pytest.raises(SieveError, match="answers 200 with text/html, which is not what Sieve's service says"),
    ):
        connection.json(Call("GET", ("sweeps",)))


def test_a_denial_without_words_is_one() -> None:
    denied = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with (
        answering(denied) as (address, _),
        closing(Connection(address, patience=QUICK)) as connection,
        pytest.raises(Denied),
    ):
        connection.exists(Call("HEAD", ("packages", "0")))


def test_names_cannot_lead_elsewhere() -> None:
    with answering(OK) as (address, requests), closing(Connection(address, patience=QUICK)) as connection:
        connection.json(Call("GET", ("sweeps", "../tokens?x=1")))
        assert requests[0].startswith(b"GET /api/v1/sweeps/..%2Ftokens%3Fx%3D1 HTTP/1.1")
