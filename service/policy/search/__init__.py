"""Searchers (Ray Tune: ``Searcher``; Optuna: samplers): the next config, by spec, trial number and observations."""

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
    """A searcher has no proposal until another trial has reported (Tune: ``suggest`` returns None)."""


class Searcher(Protocol):
    """A searcher (Optuna: sampler). Its state is only a cache: a new one proposes the same for the same table."""

    def __init__(self, spec: Spec) -> None: ...

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        """The flat config of trial ``number`` (from 1), or None if the space is exhausted (Tune: ``suggest``).

        ``table`` holds every trial so far, in any order: finished, stopped, failed, waiting and running ones.

        Raises:
            NotYet: there is no proposal before the next report.
        """


def create(spec: Spec, foreign: type | None = None, lessons: Sequence[Lesson] = ()) -> Searcher:
    """The searcher that ``spec.search.algorithm`` names.

    ``foreign`` is the class of a user's own Tune ``Searcher``, where the algorithm is ``module:Class``. ``lessons`` are
    given to searchers that take a warm start (`LEARNING`); the configs of their `openings` are tried by any searcher.
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
