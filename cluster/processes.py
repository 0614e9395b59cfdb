"""The processes of one node of a local cluster."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from cluster.ray_internals.nodes import is_up

PATIENCE = 10.0
"""Seconds to wait for killed processes to be gone."""


@dataclass(frozen=True)
class LocalNode:
    """A node: its number from 0 (the head), the ``pid`` of its first process, and Ray's temporary folder ``temp``.

    ``created`` is the start time of the process in seconds since the epoch, to tell it from one that reuses the pid.
    """

    number: int
    pid: int
    created: float
    temp: str

    @classmethod
    def spawn(
        cls, number: int, command: Sequence[str], temp: Path, output: Path, environment: Mapping[str, str]
    ) -> LocalNode:
        """Start a node in a session of its own, which outlives this process; its output goes to the file ``output``."""
        with output.open("wb") as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )
        created = psutil.Process(process.pid).create_time()
        process.returncode = 0  # Not waited for here, but by its pid where it is ended.
        return cls(number, process.pid, created, str(temp))

    @property
    def ready(self) -> bool:
        """Whether Ray has come up."""
        return is_up(Path(self.temp))

    @property
    def alive(self) -> bool:
        """Whether its first process runs."""
        process = self._process()
        return process is not None and process.status() != psutil.STATUS_ZOMBIE

    def kill(self) -> None:
        """Kill every process of the node at once (SIGKILL), and no other."""
        process = self._process()
        if process is None:
            return
        family = [process]
        with suppress(psutil.NoSuchProcess):
            family += process.children(recursive=True)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=PATIENCE)

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            return process if abs(process.create_time() - self.created) < 0.01 else None
        except psutil.NoSuchProcess:
            return None
