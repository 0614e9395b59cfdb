"""The words for how sweeps and trials stand, for what is wished of a sweep, and for the decisions on both.

They lie below the ledger, which keeps them, and the policy, which decides by them. No set of them is written down
anywhere else. `service.ledger.transitions` enforces which state may follow which; staying in one is always allowed.

A sweep goes from QUEUED to STARTING when a head gets it, to RUNNING when that has come, and back to QUEUED when the
head cannot be launched or is lost. Without a head, QUEUED or PAUSED, a user can have it paused, stopped,
cancelled, or queued again. A trial that is PAUSED waits at a rung to be promoted, its checkpoint kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, TypeGuard, get_args

SweepState = Literal["QUEUED", "STARTING", "RUNNING", "PAUSED", "SUCCEEDED", "STOPPED", "FAILED", "CANCELLED"]
TrialState = Literal["PENDING", "RUNNING", "PAUSED", "FINISHED", "STOPPED", "FAILED", "CANCELLED"]

CutShort = Literal["STOPPED", "CANCELLED"]
"""A sweep that ended before all of its trials had, so that these end as it did."""

PersonWish = Literal["pause", "resume", "stop", "cancel"]
"""What a person may want of a sweep."""

Wish: TypeAlias = PersonWish | Literal["yield"]
"""The same, and what the daemon may want: make room for a sweep of higher priority, and go on later."""

VerdictKind = Literal["continue", "pause", "promote", "stop", "finish"]
"""What happens to a trial at a rung."""

FailureDecision = Literal["halt", "avoid", "trust"]
"""On failures: the sweep pauses; a node gets no more trials; it gets them again."""

MemoryDecision = Literal["share", "alone", "learn"]
"""On memory: what trials begin with; a trial out of memory gets a GPU to itself; what that trial was seen to need."""

DecisionKind: TypeAlias = VerdictKind | FailureDecision | MemoryDecision | Literal["yield"]
"""All that is put on record as a decision; ``yield`` is about the whole sweep, which makes room for another."""

Holder = Literal["person", "daemon"]
"""Who started the head of a sweep: somebody who runs it, or the daemon, which looks after it."""

SWEEP_NEXT: Mapping[SweepState, frozenset[SweepState]] = {
    "QUEUED": frozenset({"STARTING", "PAUSED", "STOPPED", "CANCELLED"}),
    "STARTING": frozenset({"RUNNING", "QUEUED", "PAUSED", "SUCCEEDED", "STOPPED", "FAILED", "CANCELLED"}),
    "RUNNING": frozenset({"STARTING", "QUEUED", "PAUSED", "SUCCEEDED", "STOPPED", "FAILED", "CANCELLED"}),
    "PAUSED": frozenset({"STARTING", "QUEUED", "STOPPED", "CANCELLED"}),
    "SUCCEEDED": frozenset({"QUEUED"}),
    "STOPPED": frozenset({"QUEUED"}),
    "FAILED": frozenset({"STARTING", "QUEUED"}),
    "CANCELLED": frozenset(),
}
"""The states that may follow each state of a sweep."""

SWEEP_WITH_HEAD: tuple[SweepState, ...] = ("STARTING", "RUNNING")
"""Sweeps that a head has, or is to have in a moment."""

SWEEP_UNDER_WAY: tuple[SweepState, ...] = ("QUEUED", *SWEEP_WITH_HEAD)
"""Sweeps that wait for their turn or have a head."""

SWEEP_WITHOUT_HEAD: tuple[SweepState, ...] = ("QUEUED", "PAUSED")
"""Sweeps that go on when it is their turn, or when a person says so."""

SWEEP_OVER: tuple[SweepState, ...] = ("SUCCEEDED", "STOPPED", "FAILED", "CANCELLED")
"""Sweeps that have ended."""

SWEEP_RESUMABLE: tuple[SweepState, ...] = ("PAUSED", "FAILED")
"""Sweeps that go on when they are resumed, or submitted again."""

SWEEP_SETTLED: tuple[SweepState, ...] = tuple(state for state in SWEEP_OVER if state not in SWEEP_RESUMABLE)
"""Sweeps that have ended and, run or submitted again as they are, stay so."""

SWEEP_EXTENDABLE: tuple[SweepState, ...] = ("SUCCEEDED", "STOPPED")
"""Sweeps that have ended well, and go on when they are given more."""

SWEEP_CUT_SHORT: tuple[CutShort, ...] = get_args(CutShort)

SWEEP_LEFT_BY_HEAD: tuple[SweepState, ...] = (*SWEEP_WITHOUT_HEAD, *SWEEP_OVER)
"""What a head may leave its sweep as: to go on, or for good."""

TRIAL_NEXT: Mapping[TrialState, frozenset[TrialState]] = {
    "PENDING": frozenset({"RUNNING", "PAUSED", "FINISHED", "STOPPED", "FAILED", "CANCELLED"}),
    "RUNNING": frozenset({"PENDING", "PAUSED", "FINISHED", "STOPPED", "FAILED", "CANCELLED"}),
    "PAUSED": frozenset({"PENDING", "RUNNING", "FINISHED", "STOPPED", "FAILED", "CANCELLED"}),
    "FINISHED": frozenset(),
    "STOPPED": frozenset(),
    "FAILED": frozenset({"PENDING"}),
    "CANCELLED": frozenset(),
}
"""The states that may follow each state of a trial."""

TRIAL_TRAINING: tuple[TrialState, ...] = ("PENDING", "RUNNING")
"""Trials that train or are about to."""

TRIAL_OPEN: tuple[TrialState, ...] = (*TRIAL_TRAINING, "PAUSED")
"""Trials that have not ended."""

TRIAL_OVER: tuple[TrialState, ...] = ("FINISHED", "STOPPED", "FAILED", "CANCELLED")
"""Trials that have ended."""

TRIAL_CUT_SHORT: tuple[TrialState, ...] = ("STOPPED", "FAILED", "CANCELLED")
"""Trials that ended without having climbed every stage."""

PERSON_WISHES: tuple[PersonWish, ...] = get_args(PersonWish)
WISHES: tuple[Wish, ...] = (*PERSON_WISHES, "yield")

WISHES_TO_LEAVE: tuple[Wish, ...] = ("pause", "stop", "cancel", "yield")
"""Wishes at which a head leaves its sweep."""

STATE_WISHED: Mapping[Wish, SweepState] = {
    "pause": "PAUSED",
    "stop": "STOPPED",
    "cancel": "CANCELLED",
    "resume": "QUEUED",
    "yield": "QUEUED",
}
"""What each wish makes of a sweep once it has no head."""

STATE_RULED: Mapping[VerdictKind, TrialState] = {
    "continue": "RUNNING",
    "pause": "PAUSED",
    "promote": "RUNNING",
    "stop": "STOPPED",
    "finish": "FINISHED",
}
"""The state of a trial after each verdict."""

VERDICTS_TO_LEAVE: tuple[VerdictKind, ...] = ("pause", "stop", "finish")
"""Verdicts after which a trial does not train on."""

SILENT = "silent for more than"
"""How the reason of a trial begins that runs, but has said nothing for long."""

FAILURE_DECISIONS: tuple[FailureDecision, ...] = get_args(FailureDecision)
"""These may fall again on the same trial, being no verdicts on it: the newest counts."""

NODE_DECISIONS: tuple[FailureDecision, ...] = ("avoid", "trust")
"""Decisions about a node."""

MEMORY_DECISIONS: tuple[MemoryDecision, ...] = get_args(MemoryDecision)

DECISIONS: tuple[DecisionKind, ...] = (*STATE_RULED, *FAILURE_DECISIONS, *MEMORY_DECISIONS, "yield")


def is_cut_short(state: SweepState) -> TypeGuard[CutShort]:
    """Whether the open trials of a sweep end with it, as it did."""
    return state in SWEEP_CUT_SHORT


def is_verdict(kind: DecisionKind) -> TypeGuard[VerdictKind]:
    """Whether a decision is a verdict on its trial at a rung."""
    return kind in STATE_RULED
