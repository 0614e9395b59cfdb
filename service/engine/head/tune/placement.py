"""Where a Tune trial runs."""

from __future__ import annotations

from ray.exceptions import RayError

from cluster.ray_internals.actors import node_of


def place_of(worker: str | None) -> str | None:
    """The id of the node of a worker, alive or dead; None where Ray does not know."""
    try:
        return None if worker is None else node_of(worker)
    except (RayError, RuntimeError):
        return None
