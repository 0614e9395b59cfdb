"""Preemption: the running sweep that is paused for a waiting one of higher priority."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.policy.cluster_share.fair_share import Capacity, Demand, Quota, share, spent


@dataclass(frozen=True)
class Displaced:
    """The preemption of the sweep ``name`` for ``urgent``: the ``reason`` in words and the ``numbers`` behind it."""

    name: str
    urgent: str
    reason: str
    numbers: dict[str, Any]


def displaced(
    sweeps: Sequence[Demand],
    capacity: Capacity,
    quotas: Mapping[str, Quota],
    heads: Mapping[str, float],
    leaving: Collection[str],
) -> Displaced | None:
    """The one sweep to preempt now, or None.

    It is one in whose place a waiting sweep of strictly higher priority could start, or any waiting sweep if its owner
    has no GPU hours left. The latter are preempted first, then the lowest priority, then the sweep whose head started
    last. ``heads`` has the start time of the head of each sweep that may be preempted; sweeps that are ``leaving``
    count as gone.
    """
    idle = {sweep.name: why for sweep in sweeps if sweep.running and (why := spent(sweep, quotas)) is not None}

    def starts(gone: Collection[str], priority: int) -> list[Demand]:
        """The waiting sweeps of ``priority`` that could start if those ``gone`` were gone, in the queue's order."""
        left = [sweep for sweep in sweeps if sweep.name not in gone]
        given = share(left, capacity, quotas)
        return [one for one in left if one.priority == priority and not one.running and given[one.name].runs]

    for priority in sorted({sweep.priority for sweep in sweeps if not sweep.running}, reverse=True):
        lower = [one for one in sweeps if one.running and (one.priority < priority or one.name in idle)]
        lower = [one for one in lower if one.name in heads and one.name not in leaving]
        now = starts(leaving, priority) if lower else []
        if not lower or len(starts([*leaving, *(one.name for one in lower)], priority)) <= len(now):
            continue
        for one in sorted(lower, key=lambda one: (one.name not in idle, one.priority, -heads[one.name])):
            helped = [sweep for sweep in starts([*leaving, one.name], priority) if sweep not in now]
            if helped:
                return _preemption(one, helped[0], idle.get(one.name))
    return None


def _preemption(one: Demand, urgent: Demand, idle: str | None) -> Displaced:
    """The preemption with its reason in words."""
    why = idle or f"that has priority {urgent.priority}, and this one {one.priority}"
    numbers = {"to": urgent.name, "priority": one.priority, "higher": urgent.priority}
    return Displaced(one.name, urgent.name, f"made room for {urgent.name}: {why}; goes on when there is room", numbers)
