"""The states of sweeps and trials, and which may follow which. Staying in a state is always allowed.

A sweep goes from QUEUED to STARTING when a head gets it, to RUNNING when that has come, and back to QUEUED when the
head cannot be launched or is lost. Without a head, QUEUED or PAUSED, it goes where a person wants it: paused, stopped,
cancelled, or into the queue again. A trial that is PAUSED waits at a rung to be promoted, its checkpoint kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.spec.errors import SieveError

SWEEP: Mapping[str, frozenset[str]] = {
    "QUEUED": frozenset({"STARTING", "PAUSED", "STOPPED", "CANCELLED"}),
    "STARTING": frozenset({"RUNNING", "QUEUED", "PAUSED", "SUCCEEDED", "STOPPED", "FAILED", "CANCELLED"}),
    "RUNNING": frozenset({"STARTING", "QUEUED", "PAUSED", "SUCCEEDED", "STOPPED", "FAILED", "CANCELLED"}),
    "PAUSED": frozenset({"STARTING", "QUEUED", "STOPPED", "CANCELLED"}),
    "SUCCEEDED": frozenset({"QUEUED"}),
    "STOPPED": frozenset({"QUEUED"}),
    "FAILED": frozenset({"STARTING", "QUEUED"}),
    "CANCELLED": frozenset(),
}

TRIAL: Mapping[str, frozenset[str]] = {
    "PENDING": frozenset({"RUNNING", "PAUSED", "FINISHED", "STOPPED", "FAILED", "CANCELLED"}),
    "RUNNING": frozenset({"PENDING", "PAUSED", "FINISHED", "STOPPED", "FAILED", "CANCELLED"}),
    "PAUSED": frozenset({"PENDING", "RUNNING", "FINISHED", "STOPPED", "FAILED", "CANCELLED"}),
    "FINISHED": frozenset(),
    "STOPPED": frozenset(),
    "FAILED": frozenset({"PENDING"}),
    "CANCELLED": frozenset(),
}

OPEN = ("PENDING", "RUNNING", "PAUSED")
"""States of trials that are neither finished, stopped, failed nor cancelled."""


RESUMABLE = ("PAUSED", "FAILED")
"""States of sweeps that go on when they are resumed, or submitted again."""


class IllegalTransition(SieveError):
    """A sweep or trial was to change to a state that cannot follow its own."""


def check(allowed: Mapping[str, frozenset[str]], what: str, old: str, new: str) -> None:
    """Raise IllegalTransition unless ``new`` may follow ``old`` by the table ``allowed``; ``what`` names the thing."""
    if new not in allowed:
        raise IllegalTransition(f"{what} cannot become {new!r}", f"states are {', '.join(allowed)}")
    if new != old and new not in allowed[old]:
        after = ", ".join(sorted(allowed[old])) or "nothing"
        raise IllegalTransition(f"{what} is {old} and cannot become {new}", f"after {old} comes {after}")
