"""The lease of a Ray that is kept between sweeps, and its start before it is needed. Nothing here loads Ray."""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import secrets
from cluster.errors import ClusterError
from cluster.fingerprint import fingerprint
from cluster.switches import SWITCHES

KEEP = "SIEVE_KEEP_RAY"
"""Environment variable: for how many seconds a Ray of this machine is kept after a sweep; 0 keeps none."""

SECONDS = 300.0

GLANCE = 0.2
"""Seconds to wait for the answer of a keeper that has had Ray for a while."""

PATIENCE = 120.0
"""Seconds to wait for a Ray that is being started."""

ENDING = 10.0
"""Seconds to wait for a keeper that is just ending."""


def kept_seconds() -> float:
    """How long a Ray is kept without use, in seconds; 0 for not at all. SIEVE_KEEP_RAY says it, else it is 300.

    Raises:
        ClusterError: SIEVE_KEEP_RAY is no such number.
    """
    given = os.environ.get(KEEP) or str(SECONDS)
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ClusterError(f"{KEEP} is {given!r}", "write seconds, e.g. 300, or 0 to keep no Ray between sweeps")
    return seconds


@dataclass
class _Place:
    """Where the keeper of one `fingerprint` is found: a socket, a lock that it holds as long as it lives, a log."""

    socket: Path
    lock: Path
    log: Path

    @classmethod
    def of(cls, key: str) -> _Place:
        folder = Path(tempfile.gettempdir()) / f"sieve-ray-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
            raise ClusterError(f"{folder} may be read by others", f"remove it, or set {KEEP}=0")
        return cls(*(folder / f"{key}.{suffix}" for suffix in ("sock", "lock", "log")))


class _Claim:
    """A connection to a keeper, which has answered or will: what it lends is this process's until it is closed."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._answer: dict[str, Any] | None = None

    def answer(self, timeout: float = PATIENCE) -> dict[str, Any] | None:
        """The ``address`` of a Ray and whether it is ``warm``; empty where none is lent. None if not said in time."""
        if self._answer is None and select.select([self._connection], (), (), timeout)[0]:
            try:
                with self._connection.makefile("r") as lines:
                    self._answer = dict(json.loads(lines.readline() or "{}"))
            except (OSError, ValueError):
                self._answer = {}
        return self._answer

    def close(self) -> None:
        """Give it back."""
        self._connection.close()


_claimed: list[_Claim] = []
"""What `prepare` has claimed, for the first `lease` of this process."""

_warm: list[str] = []
"""The address of the Ray that is leased now, if it has workers that wait."""


def prepare() -> None:
    """Have Ray start on this machine, in another process, and claim it for this one; does not wait.

    Does nothing where a cluster is joined, no Ray is kept, or that which is kept is not to be had.

    Raises:
        ClusterError: SIEVE_KEEP_RAY is no number of seconds.
    """
    if not _claimed and os.environ.get("RAY_ADDRESS", "local") == "local" and kept_seconds() > 0:
        _claimed.extend(_claims())


def start() -> None:
    """As `prepare`, for another process: this one claims nothing."""
    prepare()
    while _claimed:
        _claimed.pop().close()


def is_warm() -> bool:
    """Whether a Ray with workers that wait is claimed, or leased, for this process. Waits for `GLANCE` at most."""
    return bool(_warm) or any((claim.answer(GLANCE) or {}).get("warm") for claim in _claimed)


@contextmanager
def lease() -> Iterator[str | None]:
    """Context that has a kept Ray for itself; yields its address, None where none is to be had.

    That is so where SIEVE_KEEP_RAY is 0, while another process has the one that suits, and where none will start.
    """
    prepare()
    claim = _claimed.pop() if _claimed else None
    if claim is None:
        yield None
        return
    try:
        answer = claim.answer() or {}
        address = answer.get("address")
        _warm[:] = [address] if address and answer.get("warm") else []
        yield address
    finally:
        _warm.clear()
        claim.close()


def _claims() -> Iterator[_Claim]:
    """A connection to the keeper for this process, which is started where there is none; nothing where that fails."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    with suppress(OSError, ClusterError):
        place, until = _Place.of(fingerprint()), time.monotonic() + ENDING
        while time.monotonic() < until:
            _start(place)
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.connect(str(place.socket))
            except OSError:  # It is ending, or another process is about to start it.
                claim.close()
                time.sleep(0.05)
                continue
            yield _Claim(claim)
            return


def _start(place: _Place) -> None:
    """Start a keeper, unless one is there: it inherits the socket, listening, and the lock."""
    with place.lock.open("w") as lock, socket.socket(socket.AF_UNIX) as listener:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        place.socket.unlink(missing_ok=True)
        listener.bind(str(place.socket))
        listener.listen()
        with place.log.open("wb") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "cluster.keeper", str(listener.fileno()), str(place.socket)],
                pass_fds=(lock.fileno(), listener.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=secrets.environment(),
                start_new_session=True,
            )
        started.returncode = 0  # It outlives this process, and is not waited for.
