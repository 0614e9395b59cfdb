"""The daemon beside the API: it starts heads, tells the API what they print, and ends with the service."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.inventory import Node
from service.engine.launch.launcher import Launch
from service.interface.api.service_settings import ServiceSettings
from service.interface.api.threads import BackgroundLoop, daemon
from service.spec.errors import UserError
from tests.unit.interface.api.conftest import PACKAGE, Person


class Memory:
    """A launcher that only remembers."""

    def __init__(self) -> None:
        self.started: list[Launch] = []

    def start(self, launch: Launch) -> str:
        self.started.append(launch)
        return f"sieve-{launch.sweep}-{launch.attempt}"

    def alive(self, id: str) -> bool | None:
        return True

    def stop(self, id: str) -> None: ...

    def logs(self, id: str, follow: bool = False) -> Iterator[str]:
        yield f"this is {id}\n"


def test_a_submitted_sweep_gets_its_head_with_its_code_and_its_log_is_shown(
    submitter: Person, settings: ServiceSettings, tmp_path: Path
) -> None:
    settings.inventory = lambda: [Node("a", "one", {"CPU": 4.0}, True)]
    settings.storage = tmp_path / "shared"
    launcher = Memory()
    submitter.submit()
    with BackgroundLoop(daemon(launcher, settings, "http://sieve:8700", 16), settings):
        deadline = time.monotonic() + 20
        while submitter("GET", "/sweeps/new/logs").text != "this is sieve-new-1\n":
            assert time.monotonic() < deadline, submitter("GET", "/sweeps/new").json()
            time.sleep(0.05)
        assert submitter.client.get("/readyz").status_code == 200
    [launch] = [launch for launch in launcher.started if launch.sweep == "new"]
    assert launch.code == settings.packages.folder(PACKAGE)
    assert (launch.address, launch.storage, launch.owner) == ("http://sieve:8700", tmp_path / "shared", "sue")
    assert settings.stop.is_set()


def test_without_a_cluster_there_is_no_daemon(settings: ServiceSettings) -> None:
    with pytest.raises(UserError, match="give its address with --ray"):
        daemon(Memory(), settings, "http://sieve:8700", 16)


def test_a_daemon_that_dies_is_told_by_the_health_check(settings: ServiceSettings, stranger: Person) -> None:
    def dies(stop: threading.Event) -> None:
        raise RuntimeError("no more")

    with BackgroundLoop(dies, settings):
        deadline = time.monotonic() + 20
        while settings.ailing() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        answer = stranger.client.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "the daemon has died of RuntimeError: no more")
