"""The identity of a head's process, and whether it is alive."""

from __future__ import annotations

import os
import socket
import time

import psutil

from service.ledger.records import SweepRecord

SILENT = 30.0
"""Seconds without a heartbeat after which a head on another machine counts as dead."""


def identity() -> str:
    """``host:pid:start`` of this process; the start time tells a reused pid from the old process."""
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.2f}"


def alive(sweep: SweepRecord) -> bool:
    """Whether the head that claimed ``sweep`` still runs: known at once on this machine, by heartbeat elsewhere."""
    if sweep.head is None:
        return False
    host, pid, started = sweep.head.rsplit(":", 2)
    if host != socket.gethostname():
        return sweep.heartbeat is not None and time.time() - sweep.heartbeat < SILENT
    try:
        process = psutil.Process(int(pid))
        return process.status() != psutil.STATUS_ZOMBIE and f"{process.create_time():.2f}" == started
    except psutil.NoSuchProcess:
        return False
