"""Where a Tune trial runs."""

from __future__ import annotations

from typing import Any

from ray._private.state import actors  # The public API asks the dashboard, which a private Ray does not have.
from ray.exceptions import RayError


def place_of(trial: Any) -> str | None:
    """The id of the node of the worker of a Tune ``trial``, alive or dead; None where Ray does not know."""
    worker = trial.temporary_state.ray_actor
    if worker is None:
        return None
    try:
        return actors(worker._actor_id.hex()).get("Address", {}).get("NodeID") or None
    except (RayError, RuntimeError):
        return None
