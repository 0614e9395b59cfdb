"""The config of a new trial: the user's own points (Optuna: ``enqueue_trial``), a warm start's, then the searcher's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.policy.observation import Observation
from service.policy.search import Searcher
from service.policy.search.random_search import draw
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
    """The config of trial ``number`` (from 1); None if the searcher's space is exhausted.

    The first trials are ``search.initial`` (Tune: ``points_to_evaluate``), whose missing parameters are drawn at
    random. Next come the ``warm`` ones, see `openings`.
    """
    if number <= len(spec.search.initial):
        start = spec.space.complete(spec.search.initial[number - 1], draw(spec.space, spec.search.seed, number))
        return Proposal(start, "initial")
    if number <= len(spec.search.initial) + len(warm):
        name, opening = warm[number - len(spec.search.initial) - 1]
        return Proposal(opening, f"warm:{name}")
    config = searcher.propose(number, table)
    return None if config is None else Proposal(config, spec.search.algorithm)
