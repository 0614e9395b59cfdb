"""What broke a trial."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrialFailure:
    """What broke a trial: ``kind`` is diverged, metric, task, disk, memory, error, or worker (its process died).

    ``message`` is one line; ``node`` is the id of the node where it happened, None where nobody knows.
    """

    kind: str
    message: str
    traceback: str
    node: str | None = None
