"""What the ledger holds, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from service.spec.states import SWEEP_UNDER_WAY, DecisionKind, Holder, SweepState, TrialState, Wish


@dataclass(frozen=True)
class SweepRecord:
    """A sweep. Times are seconds since the epoch; ``seconds`` is the time its heads ran, all attempts summed.

    ``project`` is the folder of the user's code, ``commit`` its git commit; ``wish`` is what a person wants (pause,
    stop, cancel, resume), or the daemon (yield: make room for a sweep of higher priority); ``head`` names the process
    that runs it, ``holder`` who started that, since ``claimed``; ``heartbeat`` is when it was last heard of. A
    ``simulated`` one replays recorded curves and trains nothing.

    On a shared cluster: sweeps of higher ``priority`` come first, those of one priority share by ``weight``; ``slots``
    is how many trials it may train at once (None: as many as fit), ``running`` how many it trains, ``wanted`` how many
    it could, and ``asks`` what each occupies, by resource, all as the head last said; ``waits`` says in words why it
    has not more. ``package`` is the SHA-256 of the submitted code, ``diff`` what that holds beyond the commit, ``key``
    what a client named the submission by, so that a repeated one is the same. ``barren`` is how many heads in a row
    began and have brought no report yet, the present one included, ``delays`` how many launches in a row failed;
    the next is tried when it is ``due``. ``made_room_for`` is the sweep for whose sake it lost its head, as ``why``
    says, None once it has another one.
    """

    name: str
    spec: dict[str, Any]
    project: str
    owner: str
    state: SweepState
    created: float
    wish: Wish | None = None
    why: str = ""
    attempt: int = 0
    head: str | None = None
    claimed: float | None = None
    heartbeat: float | None = None
    started: float | None = None
    finished: float | None = None
    commit: str | None = None
    seconds: float = 0.0
    simulated: bool = False
    priority: int = 0
    weight: float = 1.0
    slots: int | None = None
    running: int | None = None
    wanted: int | None = None
    asks: dict[str, float] | None = None
    waits: str = ""
    package: str | None = None
    diff: str | None = None
    key: str | None = None
    barren: int = 0
    delays: int = 0
    due: float | None = None
    holder: Holder | None = None
    made_room_for: str | None = None

    @property
    def reason(self) -> str:
        """Why it is in its state or, while it is under way, has not more of the cluster."""
        return self.why or (self.waits if self.state in SWEEP_UNDER_WAY else "")


@dataclass(frozen=True)
class TrialRecord:
    """A trial. ``config`` is flat; ``stage`` the one it is in or ended in; ``attempt`` counts its failures so far.

    ``origin`` says where the config came from (``initial``, ``warm:`` and a past sweep, or the searcher),
    ``checkpoint`` is the file it can go on from, ``diagnosis`` what its curves say, ``seconds`` its training time.
    ``skipped`` are the stages that it does not train; ``round`` counts from 0.
    """

    number: int
    config: dict[str, Any]
    state: TrialState
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
    skipped: list[int] = field(default_factory=list)


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
    """A verdict on a trial at a rung (continue, pause, promote, stop, finish), why in words, the numbers behind it.

    Others are about failures, memory or the whole sweep: ``trial`` is the one at which they fell, 0 before the first.
    """

    trial: int
    stage: int
    verdict: DecisionKind
    reason: str
    numbers: dict[str, Any]
    time: float


@dataclass(frozen=True)
class SpaceRecord:
    """The space of a round from 1 on; that of round 0 is the spec's own.

    ``parameters`` is `Space.raw`; ``reasons`` has a dict with the keys parameter, from, to, reason for each parameter,
    and is empty where the space before an undone narrowing came back. ``undone``: a person took the narrowing back.
    ``time`` is the sweep's running time in seconds.
    """

    round: int
    parameters: dict[str, Any]
    reasons: list[dict[str, Any]]
    time: float
    undone: bool = False


@dataclass(frozen=True)
class PastTrial:
    """What a warm start keeps of one trial: its flat ``config``, its state, and the metric by stage that it ended.

    A value that is no number is None.
    """

    number: int
    config: dict[str, Any]
    state: TrialState
    values: dict[int, float | None]


@dataclass(frozen=True)
class PastRecord:
    """Trials of the sweep ``name`` as they stood when a sweep that learns from them was submitted.

    They climbed that sweep's stages of number ``plan`` (from 0), those of its first round or later ones.
    """

    name: str
    plan: int
    trials: Sequence[PastTrial]


@dataclass(frozen=True)
class WorthRecord:
    """What a stage is worth, as estimated at ``time`` (the sweep's running time in seconds).

    ``correlation`` of its values with those of the last stage over ``pairs`` trials, from ``low`` to ``high`` with
    confidence; ``seconds`` is the median cost of the stage. None: not to be said yet.
    """

    stage: int
    correlation: float | None
    low: float | None
    high: float | None
    pairs: int
    seconds: float | None
    advice: str
    time: float


@dataclass(frozen=True)
class Batch:
    """What a head has to tell since the last time: whole rows of the trials that changed, and what else is new."""

    trials: Sequence[TrialRecord] = field(default_factory=list)
    reports: Sequence[ReportRecord] = field(default_factory=list)
    decisions: Sequence[DecisionRecord] = field(default_factory=list)
    spaces: Sequence[SpaceRecord] = field(default_factory=list)
    worth: Sequence[WorthRecord] = field(default_factory=list)


@dataclass(frozen=True)
class TokenRecord:
    """A token without its secret. Times are seconds since the epoch; ``revoked`` is None while it holds."""

    id: int
    user: str
    role: str
    created: float
    revoked: float | None = None


@dataclass(frozen=True)
class QuotaRecord:
    """What ``owner`` may have: sweeps that run at once, and GPU hours in all; None is no limit."""

    owner: str
    running: int | None = None
    gpu_hours: float | None = None


@dataclass
class Latest:
    """The newest report of a trial: its stage, epoch and budget; the newest value of the metric in that stage, if any,
    and the best one that is a number: a coarse value never passes for a final one.
    """

    stage: int
    epoch: int
    budget: float
    value: Any = None
    best: float | None = None


Rows = list[dict[str, Any]]
"""What the ledger holds as a table, row by row; None for what is missing."""
