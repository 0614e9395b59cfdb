"""The cached inventory of a cluster's nodes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cluster.inventory import Node

FRESH = 10.0
"""Seconds for which an answer holds."""


class Inventory:
    """Callable that returns the nodes of the cluster at ``address``, cached; concurrent calls make one request.

    Calling it raises `cluster.errors.ClusterError` while the cluster does not answer.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._known: list[Node] = []
        self._asked = float("-inf")

    def __call__(self) -> list[Node]:
        from cluster.inventory import nodes

        with self._lock:
            if time.monotonic() - self._asked > FRESH:
                self._known = nodes(self._address)
                self._asked = time.monotonic()
            return self._known
