"""Nodes: what is free on each, and when one has come up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cluster.ray_internals.absence import excused


def free_by_node() -> Mapping[str, Mapping[str, float]]:
    """What is free on each node of the cluster that this process has joined, by the node's id.

    Empty where Ray lacks `ray._private.state.available_resources_per_node`: no public name tells nodes apart there.
    """
    with excused("what is free on each node"):
        from ray._private.state import available_resources_per_node

        free: Mapping[str, Mapping[str, float]] = available_resources_per_node()
        return free
    return {}


def is_up(temp: Path) -> bool:
    """Whether the node whose ``--temp-dir`` is ``temp`` has come up: Ray writes the cluster's address down there then.

    Were the file called otherwise, a node would seem never to come up; who waits for it says what Ray that was.
    """
    return (temp / "ray_current_cluster").exists()
