"""The settings of a daemon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.ledger.records import SweepRecord


@dataclass(frozen=True)
class DaemonSettings:
    """``address`` is the service as heads reach it, ``trust`` its certificates as text, where heads cannot know them.
    ``storage`` is the folder of checkpoints, the same on every node.

    ``code`` finds the unpacked code of a sweep. At most ``sweeps`` sweeps run at once, as each head takes memory (None:
    any number). After ``silence`` seconds without a heartbeat the launcher is asked whether the head is alive. If the
    launcher does not know, the head is replaced after ``unknown`` seconds of silence; if its process runs, after
    ``stuck``. A head that is to cancel has ``obey`` seconds to do so, one that is to pause or stop ``stuck``. A sweep
    has failed after ``attempts`` heads in a row that
    ended before any report. A failed launch is tried again after ``backoff`` seconds, then twice as many, at most 64
    times. The daemon acts every ``period`` seconds and looks at the cluster every ``look``; should it die another one
    may go on after ``lease`` seconds.
    """

    address: str
    storage: Path
    code: Callable[[SweepRecord], Path]
    sweeps: int | None = 16
    silence: float = 5.0
    unknown: float = 120.0
    stuck: float = 600.0
    obey: float = 30.0
    attempts: int = 3
    backoff: float = 5.0
    period: float = 1.0
    look: float = 5.0
    lease: float = 30.0
    trust: str = ""
