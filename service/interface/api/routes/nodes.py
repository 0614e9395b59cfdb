"""The cluster: its nodes and what they have."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from service.interface.api.guard.auth import Guarded, Viewer
from service.interface.api.problems import Refusal, declared
from service.interface.api.service_settings import PREFIX, Here

router = APIRouter(prefix=PREFIX, tags=["cluster"], route_class=Guarded)

_NODE: dict[str, Any] = {
    "id": "3f1c",
    "name": "gpu-node-1",
    "alive": True,
    "resources": {"CPU": 16.0, "GPU": 4.0},
    "used": {"CPU": 4.0, "GPU": 2.0},
    "labels": {"ray.io/accelerator-type": "H100"},
}


class NodeView(BaseModel):
    """A node: the ``resources`` it has and what is ``used`` of them (null: not known), by Ray's names."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NODE]})

    id: str
    name: str
    alive: bool
    resources: dict[str, float]
    used: dict[str, float] | None
    labels: dict[str, str]


class Cluster(BaseModel):
    """All nodes, and the ``total`` of those that live."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"nodes": [_NODE], "total": _NODE["resources"]}]})

    nodes: list[NodeView]
    total: dict[str, float]


@router.get("/cluster", responses=declared(401, 503))
def get_cluster(user: Viewer, here: Here) -> Cluster:
    """The nodes of the cluster that heads run on."""
    if here.inventory is None:
        raise Refusal(503, "this service knows no cluster", "start it with: sieve serve --ray ADDRESS")
    try:
        nodes = here.inventory()
    except Exception as error:
        raise Refusal(503, f"the cluster does not answer: {error}", "look at it with: sieve cluster info") from error
    views = [
        NodeView(
            id=node.id,
            name=node.name,
            alive=node.alive,
            resources=dict(node.resources),
            used=None if (used := getattr(node, "used", None)) is None else dict(used),
            labels=dict(node.labels),
        )
        for node in nodes
    ]
    total: dict[str, float] = {}
    for view in views:
        for name, amount in view.resources.items() if view.alive else ():
            total[name] = total.get(name, 0.0) + amount
    return Cluster(nodes=views, total=total)
