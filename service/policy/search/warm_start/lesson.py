"""What a searcher makes of a past: its score for any config, believed as far as it agrees with this sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from service.policy.observation import Observation
from service.policy.search.model.features import Array, Features
from service.policy.search.model.standing import broken, standing
from service.policy.search.warm_start.past import Past, coordinates
from service.policy.worth.stage_worth import correlation, shrunk
from service.spec import Spec

TREES = 50
MODELLED = 500
"""Most trials of a past that are learned from: the better half of them its best, the others every so many-th."""

EVERYWHERE = 128
"""Random points that show how far predictions spread where nobody has been."""


class Lesson:
    """``past`` as the sweep of ``spec`` can use it: the trials whose configs lie in its space, by common parameters.

    A random forest (Breiman 2001) predicts the past's score: the trial's standing there as a number from -1 (best)
    to 1. How far to believe it is measured, not assumed: `weight`. Everything is a function of past, spec and table.
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
        """Unit coordinates by name of the past's trials, best first; what its configs leave open is left out."""
        return [units for _, units in self._ranked]

    @property
    def sound(self) -> Sequence[Mapping[str, float]]:
        """The same of those that did not fail."""
        return [units for observation, units in self._ranked if not broken(observation)]

    def prior(self, units: Array) -> Array:
        """The past's predicted score, about -1 (good) to 1 (bad), shape (n,), at ``units`` of shape (n, parameters).

        0 everywhere for a past that has no two trials in the space.
        """
        if self._forest is None:
            return np.zeros(len(units))
        rows = self._features.encode(self._features.prune(np.asarray(units, dtype=np.float64))).astype(np.float32)
        # The forest's own predict starts a thread pool: for one row that takes twenty times as long.
        return np.mean([tree.predict(rows, check_input=False) for tree in self._forest.estimators_], axis=0)

    def weight(self, table: Sequence[Observation]) -> float:
        """How far to believe the past, from 0 to 1: the rank correlation of its predictions with the values so far.

        It is that of the trials of ``table`` by their `standing`, corrected for having looked where the predictions
        are good (`worth.correlation`), and pooled by Fisher's z with the past's ``trust``, which a few trials outweigh.
        A past that says the opposite is not believed either: 0.
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
        from sklearn.ensemble import RandomForestRegressor  # takes a second, which sweeps without a past need not wait

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
    """Places (from 0) of at most `MODELLED` out of ``count`` ranked trials."""
    if count <= MODELLED:
        return list(range(count))
    rest = np.linspace(MODELLED // 2, count - 1, MODELLED - MODELLED // 2)
    return [*range(MODELLED // 2), *(int(place) for place in rest)]
