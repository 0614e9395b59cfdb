"""What is no HTTP, or comes too slowly, on a real socket."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from service.interface.api.guard import slow_clients
from service.interface.api.guard.exposure import Exposure
from service.interface.api.routes import heads
from service.interface.api.service_settings import ServiceSettings
from tests.unit.interface.api.conftest import served


@pytest.fixture
def line(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A line to a service that waits 0.3 s for a request."""
    monkeypatch.setattr(slow_clients, "PATIENCE", 0.3)
    with served(settings) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connected:
            yield connected


def answer(line: socket.socket) -> tuple[int, str, dict[str, object]]:
    """The status, type and problem that came before the line was cut."""
    came = b""
    while piece := line.recv(65536):
        came += piece
    head, _, body = came.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    kind = next(line.partition(": ")[2] for line in lines if line.startswith("content-type"))
    return int(lines[0].split()[1]), kind, json.loads(body)


@pytest.mark.parametrize("request_", [b"GARBAGE\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_http_is_answered_with_a_problem(line: socket.socket, request_: bytes) -> None:
    line.sendall(request_)
    status, kind, problem = answer(line)
    assert (status, kind, problem["status"]) == (400, "application/problem+json", 400)


@pytest.mark.parametrize("half", [b"", b"GET /healthz HTTP/1.1\r\nHost: local"])
def test_half_a_request_holds_no_connection(line: socket.socket, half: bytes) -> None:
    line.sendall(half)
    assert answer(line)[0] == 408


def test_nor_does_the_next_after_one_that_was_whole(line: socket.socket) -> None:
    line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert line.recv(65536).startswith(b"HTTP/1.1 200")
    line.sendall(b"GET /heal")
    assert answer(line)[0] == 408


def test_nor_does_a_body_that_is_not_read(line: socket.socket) -> None:
    line.sendall(b"POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999\r\n\r\n")
    assert line.recv(65536).startswith(b"HTTP/1.1 401")
    for _ in range(100):
        try:
            line.sendall(b"x")
        except OSError:
            return
        time.sleep(0.05)
    raise AssertionError("it is still read")


def test_nor_does_half_a_ticket(line: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "PATIENCE", 0.3)
    line.sendall(b"POST /api/v1/heads/toy/1/enroll HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{")
    head = line.recv(65536)
    assert head.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in head


def test_who_may_send_a_long_body_is_waited_for(line: socket.socket, secrets: dict[str, str]) -> None:
    line.sendall(f"PUT /api/v1/packages/{'0' * 64} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n".encode())
    line.sendall(f"Authorization: Bearer {secrets['submitter']}\r\n\r\n1".encode())
    time.sleep(0.6)
    line.sendall(b"2")
    assert line.recv(65536).startswith(b"HTTP/1.1 422")


def test_answers_wait_for_no_nod_of_the_client() -> None:
    with Exposure(port=0).listen() as listening:
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
