"""The one place where a trial's config comes from: the user's own points, a warm start's, then the searcher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.policy.observation import Observation
from service.policy.search import Searcher
from service.policy.search.random_draw import draw
from service.spec import Spec


@dataclass(frozen=True)
class Proposal:
    """The flat ``config`` of a new trial and its origin: ``initial``, ``warm:`` and a sweep, or the searcher's name."""

    config: Mapping[str, Any]
    origin: str


def propose(
    spec: Spec,
    searcher: Searcher,
    number: int,
    table: Sequence[Observation],
    warm: Sequence[tuple[str, Mapping[str, Any]]] = (),
) -> Proposal | None:
    """The config of trial ``number`` (from 1); None when the searcher has nothing left.

    The first trials are ``search.initial``; what such a point leaves open is drawn at random. Next come the ``warm``
    ones, see `openings`. In place of one that another trial has already the searcher is asked.
    """
    given = _given(spec, number, warm)
    if given is not None and all(o.config != given.config for o in table):
        return given
    config = searcher.propose(number, table)
    return None if config is None else Proposal(config, spec.search.algorithm)


def _given(spec: Spec, number: int, warm: Sequence[tuple[str, Mapping[str, Any]]]) -> Proposal | None:
    if number <= len(spec.search.initial):
        start = spec.space.complete(spec.search.initial[number - 1], draw(spec.space, spec.search.seed, number))
        return Proposal(start, "initial")
    if number <= len(spec.search.initial) + len(warm):
        name, opening = warm[number - len(spec.search.initial) - 1]
        return Proposal(opening, f"warm:{name}")
    return None
