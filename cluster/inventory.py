"""What a cluster has: its nodes, what is free on them, and whether a request could ever be placed.

Whoever asks never becomes a Ray driver: a dashboard is asked over HTTP, else a child process joins for a moment.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

from cluster.errors import ClusterError
from cluster.token import headers

TIMEOUT = 10.0
"""Seconds that a dashboard has to answer."""

PATIENCE = 60.0
"""Seconds that a child process has to join and answer."""

REFUSED = (401, 403)


@dataclass(frozen=True)
class Node:
    """A node: ``resources`` it has and what is ``used`` of them, by Ray's names (CPU, GPU, memory in bytes, …).

    ``used`` is None where the cluster does not say. ``name`` is for people; ``labels`` are Ray's.
    """

    id: str
    name: str
    resources: Mapping[str, float]
    alive: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    used: Mapping[str, float] | None = None


def nodes(address: str) -> list[Node]:
    """The nodes of the cluster at ``address``, dead ones included as long as it remembers them.

    ``http://…`` is a dashboard, anything else what RAY_ADDRESS may be. Ray's token goes with the request where there is
    one (see `token`).

    Raises:
        ClusterError: it cannot be reached, or wants another token.
    """
    return _of_dashboard(address) if address.startswith(("http://", "https://")) else _of_child(address)


def total(nodes: Iterable[Node]) -> dict[str, float]:
    """The resources of all nodes that live, summed."""
    sums: dict[str, float] = {}
    for node in nodes:
        for name, amount in node.resources.items() if node.alive else ():
            sums[name] = sums.get(name, 0.0) + amount
    return sums


def could_fit(nodes: Iterable[Node], request: Mapping[str, float]) -> str | None:
    """Why ``request`` (amounts by resource) could be placed on no single node even if all was free; None if it could.

    A reservation in several parts, as of a trial of several processes, is a request for each of them.
    """
    living = [node for node in nodes if node.alive]
    if not living:
        return "the cluster has no node"
    for name, amount in request.items():
        largest = max(node.resources.get(name, 0.0) for node in living)
        if amount > largest:
            return f"asks {_amount(amount, name)} on one node; largest node has {_amount(largest, name)}"
    if any(all(amount <= node.resources.get(name, 0.0) for name, amount in request.items()) for node in living):
        return None
    asked = " and ".join(_amount(amount, name) for name, amount in request.items())
    return f"asks {asked} on one node; nodes have them, but none has all"


def _amount(amount: float, name: str) -> str:
    plural = "s" if name in ("CPU", "GPU") and amount != 1 else ""
    return f"{amount:g} {name}{plural}"


def _of_dashboard(address: str) -> list[Node]:
    with httpx.Client(base_url=address.rstrip("/"), headers=headers(), timeout=TIMEOUT) as client:
        known = _get(client, "/api/v0/nodes", {"detail": "1", "limit": "10000"})["result"]["result"]
        summary = _get(client, "/nodes", {"view": "summary"})
    said: Mapping[str, str] = summary.get("nodeLogicalResources") or {}
    return [
        Node(
            id=row["node_id"],
            name=row.get("node_name") or row["node_ip"],
            resources=row.get("resources_total") or {},
            alive=row["state"] == "ALIVE",
            labels=row.get("labels") or {},
            used=_used(said[row["node_id"]]) if row["node_id"] in said else None,
        )
        for row in known
    ]


def _get(client: httpx.Client, path: str, parameters: Mapping[str, str]) -> Any:
    where = f"the dashboard at {client.base_url}"
    try:
        answer = client.get(path, params=dict(parameters))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ClusterError(
            f"{where} cannot be reached ({error})", "is the address right, and the cluster up?"
        ) from error
    if answer.status_code in REFUSED:
        raise ClusterError(
            f"{where} wants a token, and not what was sent",
            "set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to that of the cluster",
        )
    try:
        return answer.raise_for_status().json()["data"]
    except (httpx.HTTPStatusError, ValueError, KeyError) as error:
        raise ClusterError(f"{where} gave no sensible answer ({error})", "is it that of a Ray cluster?") from error


def _used(text: str) -> dict[str, float]:
    """What is used, from Ray's own words: a line ``0.5/4.0 GPU`` for each resource; sizes in words are left out."""
    found = re.findall(r"^([\d.]+)/[\d.]+ (\S+)", text, re.MULTILINE)
    return {name: float(amount) for amount, name in found}


def _of_child(address: str) -> list[Node]:
    command = [sys.executable, "-m", "cluster.inventory", address]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"the cluster at {address} did not answer in {PATIENCE:.0f} s", "is it up?") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ClusterError(f"the cluster at {address} cannot be joined ({last})", "is the address right, and it up?")
    return [Node(**raw) for raw in json.loads(done.stdout.splitlines()[-1])]


def joined() -> list[Node]:
    """The nodes of the cluster that this process has joined as a driver."""
    import ray
    from ray._private import state  # What is free on each node has no public name.

    free = state.available_resources_per_node()
    return [_of_ray(row, free.get(row["NodeID"])) for row in ray.nodes()]


def _of_ray(row: Mapping[str, Any], free: Mapping[str, float] | None) -> Node:
    has: dict[str, float] = row["Resources"]
    used = None if free is None else {name: round(amount - free.get(name, 0.0), 4) for name, amount in has.items()}
    return Node(row["NodeID"], row["NodeName"] or row["NodeManagerHostname"], has, row["Alive"], row["Labels"], used)


def main(arguments: Sequence[str]) -> None:
    """The child: prints the nodes as JSON."""
    from cluster.connect import connect

    with connect(arguments[0]):
        print(json.dumps([asdict(node) for node in joined()]))


if __name__ == "__main__":
    main(sys.argv[1:])
