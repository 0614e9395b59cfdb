"""What is believed of a head that is a job, by what a dashboard answers or does not.

The server here answers as Ray's job API does. Ports and names hold a 404 wherever they can: only a status is one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from service.engine.launch.launcher import LaunchFailed
from service.engine.launch.ray_jobs import RayJobs

ID = "sieve-run404-1-19c11ab"
VERSION = (200, {"version": "4", "ray_version": "404.0.0", "ray_commit": "404", "session_name": "404"})
MISSING = (404, f"Job {ID} does not exist")
BROKEN = (500, f"404: the table of {ID} does not exist")
NOBODY = (404, "default backend - 404")

Answer = tuple[int, Any]


def running(status: str) -> Answer:
    """The details of a job, as Ray tells them."""
    return 200, {"type": "SUBMISSION", "entrypoint": "python", "submission_id": ID, "status": status}


class Dashboard(HTTPServer):
    """Answers by path; of a path that it does not know, as `NOBODY`."""

    def __init__(self, port: int, **answers: Answer) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        job = f"/api/jobs/{ID}"
        paths = {"version": "/api/version", "job": job, "stop": f"{job}/stop"}
        self.answers = {paths[name]: answer for name, answer in answers.items()}


class _Handler(BaseHTTPRequestHandler):
    server: Dashboard

    def do_GET(self) -> None:
        status, body = self.server.answers.get(self.path, NOBODY)
        self.send_response(status)
        self.end_headers()
        self.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def dashboard(**answers: Answer) -> Iterator[str]:
    """The address of a dashboard, with a 404 in it, which is gone when the context ends."""
    for port in range(40400, 40500):
        with suppress(OSError):
            server = Dashboard(port, **answers)
            break
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("job", "lives"),
    [
        (running("PENDING"), True),
        (running("RUNNING"), True),
        (running("STOPPED"), False),
        (running("FAILED"), False),
        (MISSING, False),
        (BROKEN, None),
        ((401, "the token of 404 does not exist"), None),
        ((200, "404 does not exist"), None),
        ((200, {"detail": "404"}), None),
        ((200, {"status": "404"}), None),
    ],
)
def test_a_head_is_dead_only_if_its_dashboard_says_so(job: Answer, lives: bool | None) -> None:
    with dashboard(version=VERSION, job=job) as address:
        assert RayJobs(address).alive(ID) is lives


def test_a_dashboard_that_goes_away_leaves_open_whether_a_head_lives() -> None:
    with dashboard(version=VERSION, job=running("RUNNING"), stop=(200, {"stopped": True})) as address:
        jobs = RayJobs(address)
        assert jobs.alive(ID) is True
        jobs.stop(ID)
    for known in (jobs, RayJobs(address)):
        assert known.alive(ID) is None
        with pytest.raises(LaunchFailed, match=f"cannot stop job {ID} at {address}"):
            known.stop(ID)


def test_a_proxy_without_a_dashboard_behind_it_knows_of_no_job_and_says_nothing_of_it() -> None:
    with dashboard(version=VERSION, job=running("RUNNING")) as address:
        jobs = RayJobs(address)
        assert jobs.alive(ID) is True
    with dashboard() as address:
        for known in (jobs, RayJobs(address)):
            assert known.alive(ID) is None
            with pytest.raises(LaunchFailed, match="cannot stop"):
                known.stop(ID)


def test_a_head_that_has_ended_or_is_forgotten_is_stopped_by_doing_nothing() -> None:
    for stop, job in (((200, {"stopped": False}), running("STOPPED")), (MISSING, MISSING), (BROKEN, running("FAILED"))):
        with dashboard(version=VERSION, job=job, stop=stop) as address:
            RayJobs(address).stop(ID)


def test_a_head_that_lives_and_cannot_be_stopped_is_told() -> None:
    with (
        dashboard(version=VERSION, job=running("RUNNING"), stop=BROKEN) as address,
        pytest.raises(LaunchFailed, match="try again"),
    ):
        RayJobs(address).stop(ID)
