"""The keeper: a process that starts Ray on this machine, lends it to one process after another, and ends it unused.

Its arguments are the number of a listening socket and the path of that. Whoever connects is told the address and has
this Ray until it closes the connection, as it does at the latest when it dies; others are told meanwhile that it is
taken. What the borrower ran is gone then: Ray ends the workers of a driver that has left. The workers that wait here
for the next one have loaded torch and Ray Tune, but never a task.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from cluster.connect import LOCAL, connect, own_address
from cluster.lease import KEEP, kept_seconds
from cluster.ray_internals.undocumented_switches import START_FEW, preload
from cluster.ray_internals.workers import prestart, waiting

MODULES = ("torch", "torch._dynamo", "ray.tune", "trainables.worker.staged", "trainables.probe.measure")
"""What each worker loads before it has a trial: all that Sieve itself needs there. The first optimizer of a process
loads `torch._dynamo` anyway."""

MOST = 4
"""Workers that wait at most, as each takes some 300 MB; a Ray with fewer CPUs has one for each."""

PAUSE = 1.0
"""Seconds from the end of a borrower, whose workers Ray ends then, to the first look for missing ones. Each further
pause is twice as long."""


LOADING = 10.0
"""Seconds after which a worker that was started counts as ready."""


class Keeper:
    """Lends the Ray at ``address`` by ``listener``; keeps as many as ``workers`` waiting, for ``idle`` seconds."""

    def __init__(self, listener: socket.socket, address: str, workers: int, idle: float) -> None:
        self._listener = listener
        self._address = address
        self._workers = workers
        self.idle = idle
        self._borrower: socket.socket | None = None
        self._left = time.monotonic()
        self._pause = PAUSE
        self._refilled = time.monotonic()

    def run(self) -> None:
        """Lend until nobody has come for ``idle`` seconds."""
        while self._borrower is not None or time.monotonic() - self._left < self.idle:
            self._listen()
            if self._borrower is None and time.monotonic() - self._left >= self._pause:
                self._pause *= 2
                self.refill(self._workers)

    def refill(self, workers: int) -> None:
        """Have at least ``workers`` wait, or on their way."""
        missing = workers - waiting()
        if missing > 0:
            self._refilled = time.monotonic()
            prestart(missing, self.idle)

    def _listen(self) -> None:
        borrower = [] if self._borrower is None else [self._borrower]
        ready, _, _ = select.select([self._listener, *borrower], (), (), min(PAUSE, self.idle))
        for one in borrower:  # Before the next one is met, who may have waited for this one to leave.
            if one in ready and not self._is_there(one):
                self._borrower = None
                self._left = self._refilled = time.monotonic()
                self._pause = PAUSE
        if self._listener in ready:
            self._meet(self._listener.accept()[0])

    def _meet(self, comer: socket.socket) -> None:
        taken = self._borrower is not None
        warm = time.monotonic() - self._refilled > LOADING
        answer: dict[str, Any] = {"taken": True} if taken else {"address": self._address, "warm": warm}
        with suppress(OSError):
            comer.sendall(json.dumps(answer).encode() + b"\n")
            if not taken:
                self._borrower = comer
                return
        comer.close()

    @staticmethod
    def _is_there(borrower: socket.socket) -> bool:
        with suppress(OSError):
            if borrower.recv(1):
                return True
        borrower.close()
        return False


def main() -> None:
    """The process: Ray ends with it."""
    listener, path = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    idle = kept_seconds()
    os.environ[KEEP] = "0"  # This Ray is started here.
    os.environ.update({**START_FEW, **preload(MODULES)})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with connect(LOCAL) as resources:
            keeper = Keeper(listener, own_address(), min(MOST, int(resources.get("CPU", 1))), idle)
            keeper.refill(1)  # One alone comes first: that of the first trial.
            keeper.run()
            path.unlink(missing_ok=True)
            listener.close()
    finally:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
