"""Where a Tune trial runs."""

from __future__ import annotations

from typing import Any

from ray._private.state import actors  # The public API asks the dashboard, which a private Ray does not have.
from ray.exceptions import RayError


def worker_of(trial: Any) -> str | None:
    """The id of the worker of a Tune ``trial`` that runs; of one that has ended Tune does not know it any more."""
    worker = trial.temporary_state.ray_actor
    return None if worker is None else str(worker._actor_id.hex())


def place_of(worker: str | None) -> str | None:
    """The id of the node of a worker, alive or dead; None where Ray does not know."""
    if worker is None:
        return None
    try:
        return actors(worker).get("Address", {}).get("NodeID") or None
    except (RayError, RuntimeError):
        return None
