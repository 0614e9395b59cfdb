"""Inventory of a cluster: its nodes, their free resources, and whether a request could ever be placed.

It does not make this process a Ray driver: a dashboard is asked over HTTP, else a child process joins for a moment.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

from cluster.errors import ClusterError, RayChanged
from cluster.ray_internals import dashboard
from cluster.ray_internals.absence import TESTED
from cluster.ray_internals.nodes import free_by_node
from cluster.token import headers

TIMEOUT = 10.0
"""Timeout of a request to a dashboard, in seconds."""

PATIENCE = 60.0
"""Timeout of the child process that joins, in seconds."""

REFUSED = (401, 403)


@dataclass(frozen=True)
class Node:
    """A node: its ``resources`` and what is ``used`` of them, by Ray's names (CPU, GPU, memory in bytes, …).

    ``used`` is None if the cluster does not report it. ``name`` is for display; ``labels`` are Ray's node labels.
    """

    id: str
    name: str
    resources: Mapping[str, float]
    alive: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    used: Mapping[str, float] | None = None


def nodes(address: str) -> list[Node]:
    """The nodes of the cluster at ``address``, dead ones included as long as Ray lists them.

    ``http://…`` is a dashboard, anything else a value of RAY_ADDRESS. Ray's `token` is sent if there is one.

    Raises:
        ClusterError: it cannot be reached, or needs another token.
    """
    return _of_dashboard(address) if address.startswith(("http://", "https://")) else _of_child(address)


def total(nodes: Iterable[Node]) -> dict[str, float]:
    """The sum of the resources of all nodes that are alive."""
    sums: dict[str, float] = {}
    for node in nodes:
        for name, amount in node.resources.items() if node.alive else ():
            sums[name] = sums.get(name, 0.0) + amount
    return sums


def could_fit(nodes: Iterable[Node], request: Mapping[str, float]) -> str | None:
    """Why ``request`` (amounts by resource) fits on no single node even if it is idle; None if it fits.

    A trial of several processes has a request for each of them.
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
    if name == "memory":
        return f"{amount / 2**30:.2f} GiB memory"
    plural = "s" if name in ("CPU", "GPU") and amount != 1 else ""
    return f"{amount:g} {name}{plural}"


def _of_dashboard(address: str) -> list[Node]:
    with httpx.Client(base_url=address.rstrip("/"), headers=headers(), timeout=TIMEOUT) as client:
        known = _get(client, *dashboard.NODES)
        try:
            summary = _get(client, *dashboard.SUMMARY)
        except ClusterError:  # What is used matters less than the nodes.
            summary = None
        try:
            return [
                Node(
                    id=row["node_id"],
                    name=row.get("node_name") or row["node_ip"],
                    resources=row.get("resources_total") or {},
                    alive=row["state"] == "ALIVE",
                    labels=row.get("labels") or {},
                    used=dashboard.used_of(summary, row["node_id"]),
                )
                for row in dashboard.rows_of(known)
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise _strange(client, error) from error


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
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError) as error:
        raise _strange(client, error) from error


def _strange(client: httpx.Client, error: Exception) -> ClusterError:
    """What to say of a dashboard that answers, but not as one of Ray's does, or not as those that are tested do."""
    where = f"the dashboard at {client.base_url}"
    why = f"{type(error).__name__}: {error}"
    if isinstance(error, httpx.HTTPStatusError):
        why = f"it answers {error.response.status_code}"
    try:
        there = client.get("/api/version").raise_for_status().json()["ray_version"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return ClusterError(f"{where} gave no sensible answer ({why})", "is it that of a Ray cluster?")
    message = f"{where} is one of Ray {there} and does not tell its nodes ({why})"
    return RayChanged(message, f"try again, or give the cluster a version that is tested: ray{TESTED}")


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

    free = free_by_node()
    return [_of_ray(row, free.get(row["NodeID"])) for row in ray.nodes()]


def _of_ray(row: Mapping[str, Any], free: Mapping[str, float] | None) -> Node:
    has: dict[str, float] = row["Resources"]
    used = None if free is None else {name: round(amount - free.get(name, 0.0), 4) for name, amount in has.items()}
    return Node(row["NodeID"], row["NodeName"] or row["NodeManagerHostname"], has, row["Alive"], row["Labels"], used)


def main(arguments: Sequence[str]) -> None:
    """Main function of the child process: prints the nodes as JSON."""
    from cluster.connect import connect

    with connect(arguments[0]):
        print(json.dumps([asdict(node) for node in joined()]))


if __name__ == "__main__":
    main(sys.argv[1:])
