"""Which running sweep makes room for one of higher priority that waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.policy.share import Capacity, Demand, Quota, share

MADE_ROOM = "made room for"
"""How the reason begins."""


@dataclass(frozen=True)
class Displaced:
    """The sweep ``name`` of ``priority`` makes room for ``urgent``, whose priority is ``higher``."""

    name: str
    urgent: str
    priority: int
    higher: int

    @property
    def reason(self) -> str:
        """In words, with the numbers."""
        whose = f"{self.urgent}, which has priority {self.higher}, and this one {self.priority}"
        return f"{MADE_ROOM} {whose}; goes on when there is room"

    @property
    def numbers(self) -> dict[str, Any]:
        """What is put on record with the reason."""
        return {"to": self.urgent, "priority": self.priority, "higher": self.higher}


def displaced(
    sweeps: Sequence[Demand],
    capacity: Capacity,
    quotas: Mapping[str, Quota],
    heads: Mapping[str, float],
    leaving: Collection[str],
) -> Displaced | None:
    """The sweep that is to make room now, if there is one: one at a time.

    It is that of the lowest priority, of these the one whose head began last, of those that ``heads`` names with the
    time of that. A sweep of strictly higher priority waits and could start in its place. Those that are ``leaving``
    anyway count as gone.
    """

    def starts(gone: Collection[str], priority: int) -> list[Demand]:
        """The waiting sweeps of a priority that could start without those that are gone, in their order."""
        left = [sweep for sweep in sweeps if sweep.name not in gone]
        given = share(left, capacity, quotas)
        return [one for one in left if one.priority == priority and not one.running and given[one.name].runs]

    for priority in sorted({sweep.priority for sweep in sweeps if not sweep.running}, reverse=True):
        lower = [one for one in sweeps if one.running and one.priority < priority and one.name in heads]
        lower = [one for one in lower if one.name not in leaving]
        now = starts(leaving, priority) if lower else []
        if not lower or len(starts([*leaving, *(one.name for one in lower)], priority)) <= len(now):
            continue
        for one in sorted(lower, key=lambda one: (one.priority, -heads[one.name])):
            helped = [sweep for sweep in starts([*leaving, one.name], priority) if sweep not in now]
            if helped:
                return Displaced(one.name, helped[0].name, one.priority, priority)
    return None
