"""Clusters as people see them: those of this machine, and what any of them has room for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster import inventory
from cluster.errors import ClusterError
from cluster.inventory import Node
from cluster.local import OBJECT_STORE, LocalCluster
from service.spec.errors import UserError, nearest

__all__ = ["LocalCluster", "Node", "Wanted", "add", "fits", "kill", "nodes", "request_of", "running", "start"]

DEFAULT = "auto"
"""The cluster that Ray finds on this machine."""


@dataclass(frozen=True)
class Wanted:
    """The size of a local cluster: ``nodes``, each with ``cpus``, ``gpus`` and an object store of so many bytes."""

    nodes: int
    cpus: int
    gpus: int
    object_store: int = OBJECT_STORE


def folder_of(home: Path) -> Path:
    """Where a home keeps what is known of its local cluster."""
    return home / "cluster"


def start(wanted: Wanted, home: Path) -> LocalCluster:
    """Start the local cluster of ``home``, with a dashboard. Raises UserError: one runs, or a node does not come up."""
    with _told():
        size, folder = wanted.object_store, folder_of(home)
        return LocalCluster.start(wanted.nodes, wanted.cpus, wanted.gpus, folder, object_store=size)


def running(home: Path) -> LocalCluster:
    """The local cluster of ``home``. Raises UserError where none was started."""
    with _told():
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
    with _told():
        return running(home).add()


def kill(home: Path, number: int) -> None:
    """Kill a node of the local cluster of ``home``, as if its machine was lost. Raises UserError."""
    with _told():
        running(home).kill(number)


def nodes(address: str | None, home: Path) -> list[Node]:
    """The nodes of the cluster at ``address``: by default that of RAY_ADDRESS, else the local one of ``home``.

    Raises:
        UserError: it cannot be reached.
    """
    with _told():
        return inventory.nodes(address or os.environ.get("RAY_ADDRESS") or _local(home))


def fits(nodes: list[Node], request: Mapping[str, float]) -> str | None:
    """Why ``request`` could never be placed on one node, None if it could; see `cluster.inventory.could_fit`."""
    return inventory.could_fit(nodes, request)


def request_of(text: str) -> dict[str, float]:
    """The amounts by resource in ``text``, such as ``gpu=8,cpu=2``; cpu, gpu and memory (bytes) are Ray's own names.

    Raises:
        UserError: it is written otherwise.
    """
    request: dict[str, float] = {}
    for part in text.split(","):
        name, sign, amount = part.partition("=")
        known = {"cpu": "CPU", "gpu": "GPU", "memory": "memory"}
        name = name.strip()
        try:
            value = float(amount)
        except ValueError:
            value = -1.0
        if not (sign and name and 0 <= value < float("inf")):
            hint = nearest(name, known) if name.lower() not in known else ""
            raise UserError(f"a request is {part.strip()!r}{hint}", "write amounts by resource, e.g. gpu=8,cpu=2")
        request[known.get(name.lower(), name)] = value
    return request


def _local(home: Path) -> str:
    try:
        cluster = LocalCluster.of(folder_of(home))
    except ClusterError:
        return DEFAULT
    return cluster.dashboard or cluster.address


@contextmanager
def _told() -> Iterator[None]:
    """What a cluster complains of is for the person to read."""
    try:
        yield
    except ClusterError as error:
        message, _, cure = str(error).rpartition("; ")
        raise UserError(message or cure, cure if message else "") from error
