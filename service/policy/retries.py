"""Whether a trial that broke is tried again."""

from __future__ import annotations

from service.spec import Spec

RETRIED = ("error", "worker")
"""Kinds of failures that another attempt may get past: an exception of the task, a process that died."""


def retry(spec: Spec, kind: str, attempt: int, message: str) -> str | None:
    """Why a trial that broke by a failure of ``kind`` waits for another attempt; None: it has failed for good.

    ``attempt`` counts its failures before this one; ``spec.retries`` is how many are forgiven.
    """
    if kind not in RETRIED or attempt >= spec.retries:
        return None
    return f"retry {attempt + 1} of {spec.retries} after: {message}"
