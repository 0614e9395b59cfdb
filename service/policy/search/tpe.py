"""Searcher (Optuna: ``TPESampler``) of tree-structured Parzen estimators by hyperopt, over the trials of all stages.

TPE, Bergstra et al. 2011.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hyperopt import tpe
from hyperopt.base import trials_from_docs

from service.policy.observation import Observation
from service.policy.search.model.standing import ranked
from service.policy.search.model.trial_arrays import TrialArrays
from service.policy.search.random_draw import draw
from service.policy.search.tpe_documents import Documents
from service.policy.search.untried import Untried
from service.policy.search.warm_start.lesson import Lesson
from service.spec import Spec

STARTUP = 8
"""Trials drawn at random before TPE (``n_startup_trials``), or the space's dimension plus one where that is more."""

MOST_GOOD = 25
"""The best ``sqrt(n)`` of n trials count as good, at most so many. hyperopt's own quarter of that is 2 of 60, too few
when most trials are stopped early: on a test function of six parameters trials 41 to 60 were three times as far off."""

REMEMBERED = 200
"""Trials that hyperopt is given: all good ones, the others drawn anew for each proposal, which bounds its cost."""

UNGUIDED = 1 / 3
"""Fraction of proposals that are drawn at random (BOHB, Falkner et al. 2018): where early stages mislead, TPE alone was
worse than random search, whichever way trials of different stages were ranked."""

LENT = 50
"""A past that agrees fully with this sweep counts like so many trials, before any of this sweep's."""

Misc = Mapping[str, Any]


class HyperoptSearcher:
    """TPE over the unit cube, with trials split into good and bad by their `standing`.

    Every trial that ended a stage counts, stopped or not; one in its first stage counts as bad, so that parallel
    proposals spread (constant liar, Ginsbourger et al. 2010). Inactive conditional parameters are left out of the
    estimators of the trials that lack them. ``lessons`` enter as older trials, their number by their weight.
    """

    def __init__(self, spec: Spec, lessons: Sequence[Lesson] = ()) -> None:
        self._space = spec.space
        self._trials = TrialArrays(spec.metric.goal)
        self._seed = spec.search.seed
        self._untried = Untried(spec.space, spec.search.seed)
        self._startup = max(STARTUP, self._space.dimension + 1)
        self._documents = Documents(spec.space)
        self._lessons = [(lesson, [self._documents.misc(units) for units in lesson.ranked]) for lesson in lessons]
        self._known: dict[int, Misc] = {}

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        self._untried.update(table)
        return self._untried.nearest(self._proposed(number, table), number)

    def _proposed(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any]:
        random = np.random.default_rng((self._seed, number, 1))
        if not self._space.dimension or random.random() < UNGUIDED:
            return self._space.from_unit(draw(self._space, self._seed, number))
        self._trials.update(table)
        told = ranked(self._trials)
        good, bad = self._lent(table, random)
        if len(told) + len(good) + len(bad) < self._startup:
            return self._space.from_unit(draw(self._space, self._seed, number))
        count = min(math.ceil(math.sqrt(len(told))), MOST_GOOD - len(good))
        others = told[count:] + [self._trials.observations[row] for row in np.flatnonzero(self._trials.running)]
        rest = _drawn(others, REMEMBERED - count, random)
        older = [(misc, 0.0) for misc in good] + [(misc, 1.0) for misc in bad]
        own = [(o.trial, self._misc(o), 0.0) for o in told[:count]] + [(o.trial, self._misc(o), 1.0) for o in rest]
        ordered = older + [(misc, loss) for _, misc, loss in sorted(own, key=lambda one: one[0])]
        return self._suggest(ordered, int(random.integers(2**31 - 1)))

    def _suggest(self, ordered: Sequence[tuple[Misc, float]], seed: int) -> Mapping[str, Any]:
        """The proposal after trials, oldest first, with loss 0 for good ones and 1 for bad ones."""
        docs = [self._documents.document(n, loss, misc) for n, (misc, loss) in enumerate(ordered)]
        good = sum(loss == 0.0 for _, loss in ordered)
        gamma = (good - 0.5) / math.sqrt(len(docs))  # hyperopt takes the gamma * sqrt(n) best, rounded up
        [document] = tpe.suggest(
            [len(docs)],
            self._documents.domain,
            trials_from_docs(docs, validate=False),
            seed,
            n_startup_jobs=0,
            gamma=gamma,
            verbose=False,
        )
        return self._space.from_unit(self._documents.point(document))

    def _lent(self, table: Sequence[Observation], random: np.random.Generator) -> tuple[list[Misc], list[Misc]]:
        """Good and other trials of the pasts, each in proportion to the past's weight."""
        good: list[Misc] = []
        bad: list[Misc] = []
        for lesson, trials in self._lessons:
            most = min(LENT, len(trials)) / len(self._lessons)
            count = round(lesson.weight(table) * most)
            best = math.ceil(math.sqrt(count))
            good += trials[:best]
            bad += _drawn(trials[best:], count - best, random)
        return good, bad

    def _misc(self, observation: Observation) -> Misc:
        if observation.trial not in self._known:
            units = zip(self._space.parameters, self._space.to_unit(observation.config), strict=True)
            self._known[observation.trial] = self._documents.misc({p.name: u for p, u in units if u is not None})
        return self._known[observation.trial]


def _drawn(items: Sequence[Any], most: int, random: np.random.Generator) -> list[Any]:
    """At most ``most`` of ``items``, in their order."""
    if len(items) <= most:
        return list(items)
    return [items[i] for i in sorted(random.choice(len(items), most, replace=False))]
