"""What the ledger holds, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SweepRecord:
    """A sweep. Times are seconds since the epoch; ``seconds`` is the time its heads ran, all attempts summed.

    ``project`` is the folder of the user's code, ``commit`` its git commit; ``wish`` is what a person wants (pause,
    stop, cancel); ``head`` names the process that runs it, since ``claimed``; ``heartbeat`` is when
    that was last heard of.
    """

    name: str
    spec: dict[str, Any]
    project: str
    owner: str
    state: str
    created: float
    wish: str | None = None
    why: str = ""
    attempt: int = 0
    head: str | None = None
    claimed: float | None = None
    heartbeat: float | None = None
    started: float | None = None
    finished: float | None = None
    commit: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class TrialRecord:
    """A trial. ``config`` is flat; ``stage`` the one it is in or ended in; ``attempt`` counts its failures so far.

    ``origin`` says where the config came from (``initial`` or the searcher), ``checkpoint`` is the file it can go on
    from, ``diagnosis`` what its curves say, ``seconds`` its training time.
    """

    number: int
    config: dict[str, Any]
    state: str
    stage: int = 0
    round: int = 0
    origin: str = ""
    attempt: int = 0
    checkpoint: str | None = None
    why: str = ""
    error: str | None = None
    diagnosis: str | None = None
    node: str | None = None
    seconds: float = 0.0
    gpu_seconds: float = 0.0
    started: float | None = None
    finished: float | None = None


@dataclass(frozen=True)
class ReportRecord:
    """One measurement. ``time`` is the sweep's running time in seconds, ``seconds`` what this report took to train."""

    trial: int
    stage: int
    epoch: int
    data: float
    budget: float
    metrics: dict[str, float]
    time: float
    stage_end: bool
    seconds: float


@dataclass(frozen=True)
class DecisionRecord:
    """A verdict on a trial at a rung (continue, stop, finish), why in words, and the numbers behind it."""

    trial: int
    stage: int
    verdict: str
    reason: str
    numbers: dict[str, Any]
    time: float


@dataclass(frozen=True)
class Batch:
    """What a head has to tell since the last time: whole rows of the trials that changed, new reports and decisions."""

    trials: Sequence[TrialRecord] = field(default_factory=list)
    reports: Sequence[ReportRecord] = field(default_factory=list)
    decisions: Sequence[DecisionRecord] = field(default_factory=list)
