"""The one place where a trial's config comes from: the user's own points first, then the searcher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.policy.observation import Observation
from service.policy.search import Searcher
from service.policy.search.uniform import draw
from service.spec import Spec


@dataclass(frozen=True)
class Proposal:
    """The flat ``config`` of a new trial and where it came from: ``initial`` or the searcher's name."""

    config: Mapping[str, Any]
    origin: str


def propose(spec: Spec, searcher: Searcher, number: int, table: Sequence[Observation]) -> Proposal | None:
    """The config of trial ``number`` (from 1); None when the searcher has nothing left.

    The first trials are ``search.initial``; what such a point leaves open is drawn at random.
    """
    if number <= len(spec.search.initial):
        start = spec.space.complete(spec.search.initial[number - 1], draw(spec.space, spec.search.seed, number))
        return Proposal(start, "initial")
    config = searcher.propose(number, table)
    return None if config is None else Proposal(config, spec.search.algorithm)
