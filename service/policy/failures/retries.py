"""Whether a trial that broke is tried again."""

from __future__ import annotations

from service.spec import Spec

RETRIED = ("error", "worker")
"""Kinds of failures that another attempt may get past: an exception of the task, a process that died."""

ROOM = "use a smaller batch_size, reached with accumulate if it matters, or a smaller model"
"""The cure of a trial that needs more memory than there is."""


def retry(spec: Spec, kind: str, attempt: int, message: str) -> str | None:
    """Why a trial that broke by a failure of ``kind`` waits for another attempt; None: it has failed for good.

    ``attempt`` counts its failures before this one; ``spec.retries`` is how many are forgiven.
    """
    if kind not in RETRIED or attempt >= spec.retries:
        return None
    return f"retry {attempt + 1} of {spec.retries} after: {message}"


def alone(kind: str, gpu: float) -> bool:
    """Whether a trial that broke by a failure of ``kind`` with ``gpu`` GPUs may fit if it has one to itself.

    That attempt costs none of ``spec.retries``: the neighbours on the device may have been at fault.
    """
    return kind == "memory" and 0 < gpu < 1
