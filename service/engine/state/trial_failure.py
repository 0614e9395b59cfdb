"""The failure of a trial."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrialFailure:
    """The failure of a trial.

    ``kind`` is diverged, metric, task, disk, memory, error, worker (its process died), killed (its process was, as the
    node ran out of memory), hang (it was silent for too long), or spoilt (its worker was,
    by a trial before).

    ``message`` is one line; ``node`` is the id of the node where it happened, None if not known.
    """

    kind: str
    message: str
    traceback: str
    node: str | None = None
