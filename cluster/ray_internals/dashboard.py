"""What a dashboard tells of its nodes, at paths that only Ray's own tools and pages ask, in forms made for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

NODES = ("/api/v0/nodes", {"detail": "1", "limit": "10000"})
"""Path and parameters of what `ray.util.state.list_nodes` asks; else at most 100 nodes come, and no resources."""

SUMMARY = ("/nodes", {"view": "summary"})
"""Path and parameters of what the dashboard's page of nodes asks: it alone says what is used of each."""


def rows_of(data: Any) -> Sequence[Mapping[str, Any]]:
    """The rows of nodes in what is answered at `NODES`, of the fields that `ray.util.state` documents.

    Raises:
        KeyError, TypeError: it is no such answer.
    """
    rows: Sequence[Mapping[str, Any]] = data["result"]["result"]
    return rows


def used_of(data: Any, node: str) -> dict[str, float] | None:
    """What is used of a node by resource, in what is answered at `SUMMARY`; None where that does not say.

    It says so in words for people, a line ``0.5/4.0 GPU`` for each resource; sizes in words are left out.
    """
    said = data.get("nodeLogicalResources") if isinstance(data, Mapping) else None
    words = said.get(node) if isinstance(said, Mapping) else None
    if not isinstance(words, str):
        return None
    return {name: float(amount) for amount, name in re.findall(r"^([\d.]+)/[\d.]+ (\S+)", words, re.MULTILINE)}
