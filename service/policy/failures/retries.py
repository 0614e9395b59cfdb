"""Retries of failed trials (Ray Tune: ``FailureConfig(max_failures)``), by the kind of failure."""

from __future__ import annotations

from service.spec import Spec

RETRIED = ("error", "worker", "killed", "hang")
"""Kinds of failures that are retried: an exception, a process that died, one killed for memory, one that hung."""

ROOM = "use a smaller batch_size, reached with accumulate if it matters, or a smaller model"
"""The cure in the message of a trial that ran out of memory."""


def retry(spec: Spec, kind: str, attempt: int, message: str, how: str = "") -> str | None:
    """The reason to retry a trial after a failure of ``kind``; None: it has failed for good.

    ``attempt`` is the number of failures before this one, of which ``spec.retries`` are retried; ``how`` says what is
    different this time.
    """
    if kind not in RETRIED or attempt >= spec.retries:
        return None
    return " ".join(filter(None, [f"retry {attempt + 1} of {spec.retries}", how, f"after: {message}"]))


def alone(kind: str, gpu: float) -> bool:
    """Whether a trial that failed with ``gpu`` GPUs is retried on a whole GPU: it ran out of memory on a fraction.

    That attempt costs none of ``spec.retries``, as other trials on the GPU may have taken the memory.
    """
    return kind == "memory" and 0 < gpu < 1
