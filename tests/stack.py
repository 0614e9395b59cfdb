"""The service as it is run: PostgreSQL, a Ray cluster of several nodes, `sieve serve`; each of them can be hurt."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import service
from cluster.local import LocalCluster
from tests.postgres import Server

SIEVE = Path(sys.executable).parent / "sieve"
PATIENCE = 240
"""Seconds that anything may take, many times what it does: a machine that others use may stand still for minutes."""


class Stack:
    """Three nodes of two GPUs each that only Ray believes in, a PostgreSQL server, and the service on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        with ExitStack() as cleanup:
            self.database = Server()
            cleanup.callback(self.database.stop)
            self._url = self.database.make("sieve")
            self.cluster = LocalCluster.start(nodes=3, cpus=4, gpus=2, folder=folder / "cluster")
            cleanup.callback(self.cluster.stop)
            cleanup.callback(self._end)
            self.serve()
            self._cleanup = cleanup.pop_all()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SIEVE_", "RAY_"))}
        return kept | {"SIEVE_HOME": str(self.home), "SIEVE_DATABASE_URL": self._url}

    def serve(self) -> None:
        """Start the service and wait until it is ready."""
        command = [str(SIEVE), "serve", "--port", str(self.port), "--ray", str(self.cluster.dashboard)]
        with (self.folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        until(lambda: self._answers(), "the service answers")

    def kill_service(self) -> None:
        """Kill -9 of API and daemon, which are one process."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def client(self, user: str, role: str = "submitter") -> service.Client:
        """A client of a person with a token of their own."""
        return service.Client(self.address, self.sieve("token", "create", user, "--role", role).strip())

    def sieve(self, *arguments: str) -> str:
        """What a command prints on the machine of the service."""
        done = subprocess.run(
            [str(SIEVE), *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self) -> None:
        """End all of it; the service gets to drain."""
        self._cleanup.close()

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "serve.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def until(holds: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Wait for a condition; its value. It fails with ``what`` was waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {what}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
