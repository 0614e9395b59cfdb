"""Rounds of a sweep: the spec that each one runs by, and the space that the next one begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.ledger.records import SpaceRecord
from service.policy.narrowing.narrow import Change, narrow
from service.policy.observation import Observation
from service.spec import Space, Spec, load


@dataclass(frozen=True)
class Round:
    """A round (``number`` from 0) as it runs: by its own ``spec``, after ``before`` trials of earlier rounds."""

    number: int
    spec: Spec
    before: int


def spec_of_round(spec: Spec, round: int, spaces: Sequence[SpaceRecord], before: int) -> Spec:
    """The spec that a round (from 0) of the sweep of ``spec`` runs by, as if it were a sweep of its own.

    It has the round's stages and trials and its space, the newest of ``spaces`` that is the round's (a round keeps the
    space it began with, undone or not). ``before`` trials of earlier rounds have used that much of ``budget.trials``.
    The seed is another one in each.
    """
    if round == 0:
        return spec.at(0)
    raw = spec.at(round).to_dict() | {"parameters": _parameters(spec, round, spaces)}
    if spec.budget.trials is not None:
        raw["budget"]["trials"] = spec.budget.trials - before
    raw["search"]["seed"] = (spec.search.seed + round) % 2**32  # other draws than those of the round before
    return load(raw)


def goes_on(spec: Spec, round: int, made: int, table: Sequence[Observation]) -> bool:
    """Whether the sweep of ``spec`` with ``made`` trials in all goes on after ``round``, whose trials are ``table``.

    It does while rounds and budgeted trials are left and there is a value to build on.
    """
    affordable = spec.budget.trials is None or made < spec.budget.trials
    return round + 1 < spec.rounds.count and affordable and any(o.values for o in table)


def opening(
    spec: Spec, round: int, spaces: Sequence[SpaceRecord], table: Sequence[Observation], time: float
) -> SpaceRecord | None:
    """The space that ``round`` (from 1) begins with, None if ``spaces`` have it already.

    It is the space of the round before, narrowed around what is good in the ``table`` of that round's trials. Where a
    person has undone the newest narrowing it is the newest space that stands, as it was. ``time`` is the sweep's
    running time in seconds.
    """
    if any(space.round == round and not space.undone for space in spaces):
        return None
    if spaces and spaces[-1].undone:
        standing = [space.parameters for space in spaces if not space.undone]
        return SpaceRecord(round, standing[-1] if standing else spec.parameters, [], time)
    before = Space.parse(_parameters(spec, round - 1, spaces))
    narrowed = narrow(before, table, spec.metric.goal, spec.rounds.keep)
    return SpaceRecord(round, narrowed.space.raw(), [_reason(change) for change in narrowed.changes], time)


def _parameters(spec: Spec, round: int, spaces: Sequence[SpaceRecord]) -> dict[str, Any]:
    own = [space.parameters for space in spaces if space.round == round]
    return own[-1] if own else spec.parameters


def _reason(change: Change) -> dict[str, Any]:
    new = None if change.new is None else dict(change.new)
    return {"parameter": change.parameter, "from": dict(change.old), "to": new, "reason": change.reason}
