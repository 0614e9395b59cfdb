"""Placement of whole trials on the nodes of a cluster (bin packing: best fit)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from service.policy.cluster_share.packing import gib

UNIT = 10_000
"""Resources are counted in ten-thousandths, as Ray does, so that sums are exact."""

State = tuple[int, ...]


class Places:
    """Free resources of each of ``nodes``, by Ray's resource names.

    A process is placed on one node, the fullest that has room (best fit), which leaves room for large ones. A fraction
    of a GPU counts as 1 over a whole number: three of 0.3 fill a GPU, as a fourth would have to span two.
    """

    def __init__(self, nodes: Sequence[Mapping[str, float]]) -> None:
        self._names = sorted({name for node in nodes for name in node}, key=lambda name: (name != "GPU", name))
        whole = [tuple(_units(node.get(name, 0.0)) for name in self._names) for node in nodes]
        self._nodes = whole
        self._free = Counter(whole)
        self.total = {name: sum(node.get(name, 0.0) for node in nodes) for name in self._names}

    def take(self, asks: Mapping[str, float], processes: int = 1) -> bool:
        """Place all ``processes`` of a trial; False, with nothing placed, if there is no room for one of them."""
        needs = self._needs(asks)
        before = Counter(self._free)
        if needs is None or not all(self._take(needs) for _ in range(processes)):
            self._free = before
            return False
        return True

    def refusal(self, asks: Mapping[str, float], processes: int = 1) -> str | None:
        """Why a trial of ``processes`` that each reserve ``asks`` fits not even on an idle cluster; None if it does."""
        for name, amount in asks.items():
            most = max((node[self._names.index(name)] for node in self._nodes), default=0) if self._has(name) else 0
            if _units(amount) > most:
                return f"asks {words(name, amount)} on one node; largest node has {_bare(name, most / UNIT)}"
        needs = self._needs(asks) or ()
        rooms = sum(_rooms(node, needs) for node in self._nodes)
        told = " and ".join(words(name, amount) for name, amount in asks.items()) or "a place"
        if rooms == 0:
            return f"asks {told} on one node; no node has both" if self._nodes else "the cluster has no node"
        if rooms < processes:
            return f"asks {told} for each of {processes} processes; the cluster has room for {rooms}"
        return None

    def _has(self, name: str) -> bool:
        return name in self._names

    def _needs(self, asks: Mapping[str, float]) -> State | None:
        if any(amount > 0 and name not in self._names for name, amount in asks.items()):
            return None
        return tuple(_whole_parts(name, asks.get(name, 0.0)) for name in self._names)

    def _take(self, needs: State) -> bool:
        best = min((state for state in self._free if _fits(state, needs)), default=None)
        if best is None:
            return False
        self._free[best] -= 1
        if not self._free[best]:
            del self._free[best]
        self._free[tuple(have - need for have, need in zip(best, needs, strict=True))] += 1
        return True


def plural(name: str, amount: float) -> str:
    """The resource's name for an amount: ``GPU`` or ``GPUs``, ``CPU`` or ``CPUs``; others as they are."""
    return f"{name}s" if name in ("CPU", "GPU") and amount != 1 else name


def words(name: str, amount: float) -> str:
    """An amount of a resource in words: ``2 GPUs``, ``8.00 GiB memory``."""
    return f"{_bare(name, amount)} {plural(name, amount)}"


def _bare(name: str, amount: float) -> str:
    return gib(amount) if name == "memory" else f"{amount:g}"


def _units(amount: float) -> int:
    return round(amount * UNIT)


def _whole_parts(name: str, amount: float) -> int:
    return UNIT // int(1 / amount + 1e-6) if name == "GPU" and 0 < amount < 1 else _units(amount)


def _fits(state: State, needs: State) -> bool:
    return all(have >= need for have, need in zip(state, needs, strict=True))


def _rooms(state: State, needs: State) -> int:
    return min((have // need for have, need in zip(state, needs, strict=True) if need), default=1)
