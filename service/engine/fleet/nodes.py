"""What a cluster has, and whether a request could ever be placed. Nothing here needs Ray, or more than httpx."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from cluster import inventory
from cluster.errors import ClusterError
from cluster.inventory import Node
from service.spec.errors import UserError, nearest

__all__ = ["Node", "at", "fits", "request_of", "told"]


def at(address: str) -> list[Node]:
    """The nodes of the Ray cluster at ``address``, see `cluster.inventory.nodes`. Raises UserError."""
    with told():
        return inventory.nodes(address)


def fits(nodes: Sequence[Node], request: Mapping[str, float]) -> str | None:
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


@contextmanager
def told() -> Iterator[None]:
    """What a cluster complains of is for the person to read."""
    try:
        yield
    except ClusterError as error:
        raise UserError(error.message, error.cure) from error
