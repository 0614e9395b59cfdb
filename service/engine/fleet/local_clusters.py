"""The clusters of this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ClusterError
from cluster.local import OBJECT_STORE, LocalCluster
from service.engine.fleet.nodes import Node, at, told

__all__ = ["ClusterSize", "LocalCluster", "Node", "add", "kill", "nodes", "running", "start"]

DEFAULT = "auto"
"""The cluster that Ray finds on this machine."""


@dataclass(frozen=True)
class ClusterSize:
    """The size of a local cluster: ``nodes``, each with ``cpus``, ``gpus`` and an object store of so many bytes."""

    nodes: int
    cpus: int
    gpus: int
    object_store: int = OBJECT_STORE


def folder_of(home: Path) -> Path:
    """Where a home keeps what is known of its local cluster."""
    return home / "cluster"


def start(wanted: ClusterSize, home: Path) -> LocalCluster:
    """Start the local cluster of ``home``, with a dashboard. Raises UserError: one runs, or a node does not come up."""
    with told():
        size, folder = wanted.object_store, folder_of(home)
        return LocalCluster.start(wanted.nodes, wanted.cpus, wanted.gpus, folder, object_store=size)


def running(home: Path) -> LocalCluster:
    """The local cluster of ``home``. Raises UserError where none was started."""
    with told():
        return LocalCluster.of(folder_of(home))


def serving(home: Path, jobs: bool) -> str | None:
    """The address of the local cluster of ``home``: its dashboard for ``jobs``, else its head. None: none runs."""
    try:
        cluster = LocalCluster.of(folder_of(home))
    except ClusterError:
        return None
    return cluster.dashboard if jobs else cluster.address


def add(home: Path) -> int:
    """One more node for the local cluster of ``home``; returns its number. Raises UserError."""
    with told():
        return running(home).add()


def kill(home: Path, number: int) -> None:
    """Kill a node of the local cluster of ``home``, as if its machine was lost. Raises UserError."""
    with told():
        running(home).kill(number)


def nodes(home: Path) -> list[Node]:
    """The nodes of the cluster of RAY_ADDRESS, else of the local one of ``home``. Raises UserError."""
    return at(os.environ.get("RAY_ADDRESS") or _local(home))


def _local(home: Path) -> str:
    try:
        cluster = LocalCluster.of(folder_of(home))
    except ClusterError:
        return DEFAULT
    return cluster.dashboard or cluster.address
