"""Searchers: which config next. A proposal is a function of (spec, trial number, what was observed)."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from service.policy.observation import Observation
from service.policy.search.warm_start.first_trials import openings
from service.policy.search.warm_start.lesson import Lesson
from service.spec import Spec
from service.spec.errors import UserError

SEARCHERS = {
    "auto": "service.policy.search.bayesopt:BayesSearcher",
    "bayesopt": "service.policy.search.bayesopt:BayesSearcher",
    "grid": "service.policy.search.grid:GridSearcher",
    "hyperopt": "service.policy.search.tpe:HyperoptSearcher",
    "random": "service.policy.search.random_search:RandomSearcher",
    "sobol": "service.policy.search.sobol:SobolSearcher",
}

LEARNING = ("auto", "bayesopt", "hyperopt")
"""Searchers whose constructor takes ``lessons``."""


class NotYet(Exception):
    """A searcher has nothing to propose before another trial has reported."""


class Searcher(Protocol):
    """Proposes configs. What it keeps is only a cache, so a new head proposes exactly what the old one would have."""

    def __init__(self, spec: Spec) -> None: ...

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        """The flat config of trial ``number`` (counted from 1), or None when the space is exhausted.

        ``table`` holds every trial so far, in any order: finished, stopped, failed, waiting and running ones.

        Raises:
            NotYet: it is to be asked again after the next report.
        """


def create(spec: Spec, foreign: type | None = None, lessons: Sequence[Lesson] = ()) -> Searcher:
    """The searcher that ``spec.search.algorithm`` names; the spec has checked the name.

    ``foreign`` is the class that it means where it is one of the user's own, ``module:Class``. ``lessons`` are for
    searchers that can learn from elsewhere (`LEARNING`); their `openings` are every sweep's first trials.
    """
    if foreign is not None:
        from service.policy.search.tune_searcher.foreign import ForeignSearcher

        return ForeignSearcher(spec, foreign, len(spec.search.initial) + len(openings(spec, lessons)))
    if spec.search.algorithm not in SEARCHERS:
        raise UserError(f"search.algorithm {spec.search.algorithm} is not known here", f"use {', '.join(SEARCHERS)}")
    module, _, name = SEARCHERS[spec.search.algorithm].partition(":")
    kind = getattr(importlib.import_module(module), name)
    searcher: Searcher = kind(spec, lessons=lessons) if spec.search.algorithm in LEARNING else kind(spec)
    return searcher
