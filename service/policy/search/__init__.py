"""Searchers: which config next. A proposal is a function of (space, seed, trial number, what was observed)."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from service.policy.observation import Observation
from service.spec.space import Space

SEARCHERS = {
    "random": "service.policy.search.uniform:RandomSearcher",
    "grid": "service.policy.search.grid:GridSearcher",
    "hyperopt": "service.policy.search.tpe:HyperoptSearcher",
}


class Searcher(Protocol):
    """Proposes configs. It keeps no memory of its own, so a new head proposes exactly what the old one would have."""

    def __init__(self, space: Space, goal: str, seed: int) -> None:
        """``goal`` is maximize or minimize."""

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        """The flat config of trial ``number`` (counted from 1), or None when the space is exhausted."""


def create(algorithm: str, space: Space, goal: str, seed: int) -> Searcher:
    """The searcher registered as ``algorithm``; the spec has checked the name."""
    module, _, name = SEARCHERS[algorithm].partition(":")
    searcher: Searcher = getattr(importlib.import_module(module), name)(space, goal, seed)
    return searcher
