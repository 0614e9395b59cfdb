"""The memory of a GPU that a trial takes."""

from __future__ import annotations

from ray.exceptions import RayError

from service.engine.head.heartbeat import Heartbeat
from service.engine.preflight.examination import measured
from service.spec import Spec
from service.spec.errors import SieveError


def peak_memory(spec: Spec, project: str, heartbeat: Heartbeat) -> int | None:
    """The most bytes that a trial of ``spec`` takes, measured on the cluster under the head's ``heartbeat``.

    None where it cannot be measured, which need not end the sweep.
    """
    with heartbeat:
        try:
            return measured(spec, project).peak_bytes
        except (SieveError, RayError):
            return None
