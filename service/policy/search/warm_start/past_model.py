"""Surrogate model of a past sweep for a warm start, with a weight by its rank correlation with this sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from service.policy.observation import Observation
from service.policy.search.model.features import Array, Features
from service.policy.search.model.ranking import standing
from service.policy.search.model.trial_arrays import broken
from service.policy.search.warm_start.past import Past, coordinates
from service.policy.worth.stage_worth import correlation, shrunk
from service.spec import Spec

TREES = 50
MODELLED = 500
"""Most trials of a past in its model: one half its best, the other half evenly spread over the rest."""

EVERYWHERE = 128
"""Random points by which the spread of predictions over the whole space is measured."""


class PastModel:
    """A surrogate of ``past`` over the space of ``spec``, by the parameters that both have.

    A random forest (Breiman 2001) predicts the score: a trial's rank in the past as a number from -1 (best) to 1. Only
    trials whose configs lie in the space count. All is a function of past, spec and table.
    """

    def __init__(self, past: Past, spec: Spec) -> None:
        self.past = past
        self._space = spec.space
        self._goal = spec.metric.goal
        self._seed = spec.search.seed
        self._features = Features(spec.space)
        known = [(o, coordinates(spec.space, o.config)) for o in standing(past.observations, past.goal)]
        kept = [(o, units) for o, units in known if units]
        self._ranked = [kept[i] for i in _spread(len(kept))]
        self._predicted: dict[int, float] = {}

    @property
    def ranked(self) -> Sequence[Mapping[str, float]]:
        """Unit coordinates by name of the past's trials, best first; parameters that it lacks are left out."""
        return [units for _, units in self._ranked]

    @property
    def sound(self) -> Sequence[Mapping[str, float]]:
        """`ranked` without failed trials."""
        return [units for observation, units in self._ranked if not broken(observation)]

    def prior(self, units: Array) -> Array:
        """The past's predicted score, about -1 (good) to 1 (bad), shape (n,), at ``units`` of shape (n, parameters).

        0 everywhere for a past that has no two trials in the space.
        """
        if self._forest is None:
            return np.zeros(len(units))
        rows = self._features.encode(self._features.prune(np.asarray(units, dtype=np.float64))).astype(np.float32)
        # The forest's own predict starts a thread pool, which for one row takes twenty times as long.
        return np.mean([tree.predict(rows, check_input=False) for tree in self._forest.estimators_], axis=0)

    def weight(self, table: Sequence[Observation]) -> float:
        """The weight of the past, from 0 to 1: the rank correlation of its predictions with the trials of ``table``.

        The trials rank by their `standing`. The correlation is corrected for range restriction, as good predictions are
        tried more often (`worth.correlation`), and pooled by Fisher's z with the past's ``trust``, which a few trials
        outweigh. A negative one counts as 0.
        """
        if self._forest is None:
            return 0.0
        self._predict([o for o in table if o.trial not in self._predicted])
        seen = {o.trial: -self._predicted[o.trial] for o in table} | self._elsewhere
        stands = {o.trial: -float(place) for place, o in enumerate(standing(table, self._goal))}
        agreement = correlation(seen, stands)
        return max(0.0, shrunk(self.past.trust, agreement))

    @cached_property
    def _forest(self) -> Any:
        if len(self._ranked) < 2:
            return None
        from sklearn.ensemble import RandomForestRegressor  # Takes a second to import.

        names = [p.name for p in self._space.parameters]
        units = np.array([[u.get(name, np.nan) for name in names] for _, u in self._ranked])
        scores = np.linspace(-1.0, 1.0, len(units))
        forest = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=0)
        return forest.fit(self._features.encode(units), scores)

    @cached_property
    def _elsewhere(self) -> dict[int, float]:
        points = np.random.default_rng(self._seed).random((EVERYWHERE, self._space.dimension))
        return {-index: -float(score) for index, score in enumerate(self.prior(points), start=1)}

    def _predict(self, new: Sequence[Observation]) -> None:
        if new:
            units = self._features.units([self._space.to_unit(o.config) for o in new])
            scores = self.prior(units)
            self._predicted |= {o.trial: float(score) for o, score in zip(new, scores, strict=True)}


def _spread(count: int) -> list[int]:
    """Positions (from 0) of at most `MODELLED` of ``count`` ranked trials: half the best, half evenly spread."""
    if count <= MODELLED:
        return list(range(count))
    rest = np.linspace(MODELLED // 2, count - 1, MODELLED - MODELLED // 2)
    return [*range(MODELLED // 2), *(int(place) for place in rest)]
