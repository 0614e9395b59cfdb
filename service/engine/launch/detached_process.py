"""Heads as detached processes on the machine of the service, for clusters without a dashboard."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from cluster.secrets import environment
from service.engine.launch.launcher import Launch, LaunchFailed

GRACE = 10.0
"""Seconds that a head has to write down how it stands."""

POLL = 0.2
CHUNK = 1 << 16


class DetachedProcesses:
    """Starts each head as a process with its own session, which outlives the service; its log is in ``logs``.

    Heads join the ``cluster`` (default: that of RAY_ADDRESS, else each starts one of its own).

    An id is the head's name, and the machine, the pid and the start of its process: no other is taken for it. Of those
    on another machine, where another service started them, nothing can be told here.
    """

    def __init__(self, logs: Path, cluster: str | None = None) -> None:
        self._logs = logs
        self._joins = {} if cluster is None else {"RAY_ADDRESS": cluster}
        self._children: list[int] = []

    def start(self, launch: Launch) -> str:
        """Start a head and return its id. Raises LaunchFailed."""
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
            with self._log(launch.name).open("ab") as log:
                child = subprocess.Popen(
                    [sys.executable, *launch.arguments],
                    cwd=launch.code,
                    env=environment() | self._joins | launch.environment | {"PYTHONUNBUFFERED": "1"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise LaunchFailed(f"cannot start {launch.name}: {error}", "it is tried again") from error
        child.returncode = 0  # It is waited for by its pid.
        self._children = [pid for pid in self._children if not _reaped(pid)] + [child.pid]
        return f"{launch.name}:{socket.gethostname()}:{child.pid}:{psutil.Process(child.pid).create_time():.2f}"

    def alive(self, id: str) -> bool | None:
        """Whether the head still runs; None for one on another machine."""
        return _process(id) is not None if _is_here(id) else None

    def stop(self, id: str) -> None:
        """Ask the head to end (SIGTERM); it is killed if it has not within `GRACE` seconds. Raises LaunchFailed."""
        if not _is_here(id):
            raise LaunchFailed(f"cannot stop {_name(id)}: it is on {id.split(':')[1]}", "stop it there")
        if _signal(id, signal.SIGTERM):
            killer = threading.Timer(GRACE, _signal, (id, signal.SIGKILL))
            killer.daemon = True
            killer.start()

    def logs(self, id: str, follow: bool = False) -> Iterator[str]:
        """What the head has printed."""
        log = self._log(_name(id))
        if not log.exists():
            return
        with log.open(encoding="utf-8", errors="replace") as lines:
            while True:
                ended = not follow or not self.alive(id)  # Asked before the last look, so that nothing is missed.
                while piece := lines.read(CHUNK):
                    yield piece
                if ended:
                    return
                time.sleep(POLL)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _name(id: str) -> str:
    return id.split(":")[0]


def _is_here(id: str) -> bool:
    return id.split(":")[1] == socket.gethostname()


def _reaped(pid: int) -> bool:
    """Whether a child has ended, and is no zombie from here on."""
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


def _process(id: str) -> psutil.Process | None:
    _, _, pid, started = id.split(":")
    try:
        process = psutil.Process(int(pid))
        if f"{process.create_time():.2f}" != started:
            return None
        if process.status() != psutil.STATUS_ZOMBIE:
            return process
    except psutil.NoSuchProcess:
        return None
    _reaped(process.pid)
    return None


def _signal(id: str, number: signal.Signals) -> bool:
    """Signal a head and what it started; False if it has ended."""
    process = _process(id)
    if process is None:
        return False
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    return True
