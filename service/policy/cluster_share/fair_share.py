"""Dominant resource fairness (DRF): how many trials each sweep of a shared cluster may run at once.

Ghodsi et al., "Dominant Resource Fairness" (NSDI 2011): weighted max-min fairness over each sweep's dominant resource,
by progressive filling with whole trials.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.policy.cluster_share.placement import Places, plural

UNBOUNDED = 10**6
"""Stands for no limit on the trials that a sweep could run at once."""


@dataclass(frozen=True)
class Demand:
    """The resource demand of a sweep: it could run ``wanted`` trials at once.

    Each trial has ``processes`` processes, and each process reserves ``asks``: amounts by Ray's resource names. The
    sweep has a head if ``running``, else it waits in the queue.
    """

    name: str
    owner: str
    running: bool
    wanted: int
    asks: Mapping[str, float]
    priority: int = 0
    weight: float = 1.0
    processes: int = 1


@dataclass(frozen=True)
class Quota:
    """Limits of an owner: ``running`` sweeps at once, ``gpu_hours`` in all, of which ``used``. None: no limit."""

    running: int | None = None
    gpu_hours: float | None = None
    used: float = 0.0


@dataclass(frozen=True)
class Capacity:
    """The capacity of the cluster: resources of each node, and how many ``sweeps`` may run at once (None: no limit)."""

    nodes: Sequence[Mapping[str, float]]
    sweeps: int | None = None


@dataclass(frozen=True)
class Allotment:
    """A sweep's allotment: ``slots`` trials at once, and for one in the queue whether it ``runs`` now.

    ``reason`` says why it has no more slots; empty if it has all that it wants.
    """

    slots: int
    runs: bool
    reason: str = ""


def share(sweeps: Sequence[Demand], capacity: Capacity, quotas: Mapping[str, Quota]) -> dict[str, Allotment]:
    """The allotment of each of ``sweeps``, given in the order of the queue; ``quotas`` are by owner.

    Each running sweep gets one trial if that fits. Then sweeps of higher priority get all they want before lower ones
    get any. Within a priority the waiting ones that may start get one trial, too, and what is left goes trial by trial
    to the sweep with the lowest dominant share by weight that has room for one more. No sweep gets more than it wants.
    """
    filling = _Filling(Places(capacity.nodes), capacity, quotas)
    ranked = sorted(sweeps, key=lambda sweep: -sweep.priority)
    running = [sweep for sweep in ranked if sweep.running]
    for sweep in running:
        filling.keep(sweep)
    for priority in dict.fromkeys(sweep.priority for sweep in ranked):
        level = [sweep for sweep in ranked if sweep.priority == priority]
        for sweep in level:
            if not sweep.running:
                filling.admit(sweep)
        filling.fill(level)
    return {sweep.name: filling.allotment(sweep) for sweep in sweeps}


def spent(sweep: Demand, quotas: Mapping[str, Quota]) -> str | None:
    """Why a sweep may train nothing, as its owner's GPU hours are used up; None if it may."""
    quota = quotas.get(sweep.owner, Quota())
    if quota.gpu_hours is None or not sweep.asks.get("GPU") or quota.used < quota.gpu_hours:
        return None
    return f"{sweep.owner} has used {quota.used:.4g} of {quota.gpu_hours:g} GPU hours"


@dataclass
class _Filling:
    """Progressive filling: the cluster's free places and the slots given so far."""

    places: Places
    capacity: Capacity
    quotas: Mapping[str, Quota]
    slots: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    owners: Counter[str] = field(default_factory=Counter)

    def keep(self, sweep: Demand) -> None:
        """Give a running sweep one slot, if it may train."""
        self.slots[sweep.name] = 0
        self.owners[sweep.owner] += 1
        refusal = spent(sweep, self.quotas) or self.places.refusal(sweep.asks, sweep.processes)
        if refusal:
            self.refused[sweep.name] = refusal
        elif sweep.wanted:
            self._give(sweep)

    def admit(self, sweep: Demand) -> None:
        """Start a sweep of the queue with one slot, or note why it may not start."""
        refusal = self.places.refusal(sweep.asks, sweep.processes) or spent(sweep, self.quotas) or self._crowded(sweep)
        if not refusal and not self._give(sweep):
            before = len(self.slots)
            refusal = (
                f"waits for room: the {_count(before, 'sweep')} before it {'has' if before == 1 else 'have'} it all"
            )
        if refusal:
            self.refused[sweep.name] = refusal
        else:
            self.owners[sweep.owner] += 1

    def fill(self, level: Sequence[Demand]) -> None:
        """Share what is left among the sweeps of one priority."""
        able = [sweep for sweep in level if sweep.name in self.slots and sweep.name not in self.refused]
        heap = [(self._standing(sweep), place) for place, sweep in enumerate(able)]
        heapq.heapify(heap)
        while heap:
            _, place = heapq.heappop(heap)
            if self.slots[able[place].name] < able[place].wanted and self._give(able[place]):
                heapq.heappush(heap, (self._standing(able[place]), place))

    def allotment(self, sweep: Demand) -> Allotment:
        slots = self.slots.get(sweep.name)
        if slots is None or sweep.name in self.refused:
            return Allotment(slots or 0, sweep.running, self.refused[sweep.name])
        return Allotment(slots, True, "" if slots >= sweep.wanted else self._short(sweep, slots))

    def _give(self, sweep: Demand) -> bool:
        given = self.places.take(sweep.asks, sweep.processes)
        if given:
            self.slots[sweep.name] = self.slots.get(sweep.name, 0) + 1
        return given

    def _standing(self, sweep: Demand) -> tuple[float, float]:
        """Sort key of the next slot: the lowest dominant share by weight, then the highest weight."""
        return self._dominant(sweep)[1] * self.slots[sweep.name] / sweep.weight, -sweep.weight

    def _dominant(self, sweep: Demand) -> tuple[str, float]:
        """The dominant resource of a trial and the fraction of the cluster that it takes; of equals, GPUs."""
        total = self.places.total
        parts = [(sweep.processes * asks / total[name], name) for name, asks in sweep.asks.items() if total.get(name)]
        part, name = max(parts, default=(0.0, "CPU"))
        return name, part

    def _short(self, sweep: Demand, slots: int) -> str:
        name, _ = self._dominant(sweep)
        mine, total = slots * sweep.processes * sweep.asks.get(name, 0.0), self.places.total.get(name, 0.0)
        whole = f"{mine:g} of {total:g} {plural(name, total)} are yours at weight {sweep.weight:g}"
        wanted = "" if sweep.wanted >= UNBOUNDED else f" of {sweep.wanted}"
        return f"waiting: {whole}; {_count(slots, 'trial')}{wanted} may run"

    def _crowded(self, sweep: Demand) -> str | None:
        most, quota, mine = self.capacity.sweeps, self.quotas.get(sweep.owner, Quota()), self.owners[sweep.owner]
        if quota.running is not None and mine >= quota.running:
            return f"{sweep.owner} has {_count(mine, 'sweep')} running, at most {quota.running}"
        if most is not None and len(self.slots) >= most:
            return f"waits for a free place: {_count(len(self.slots), 'sweep')} run, at most {most}"
        return None


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
