"""Prior mean of the Gaussian process from other sweeps (warm start)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from service.policy.observation import Observation
from service.policy.search.model.features import Array, Features
from service.policy.search.model.gaussian_process import GaussianModel, hyperparameters
from service.policy.search.warm_start.lesson import Lesson
from service.spec.space.space import Space

MODELLED = 80
"""Most trials of a past in its model, spread evenly over its ranks."""

DOUBT = 0.05
"""Noise variance of a past's scores."""


class Prior:
    """A Gaussian process of each past's scores; the sweep's own process models the difference from them."""

    def __init__(self, lessons: Sequence[Lesson], space: Space) -> None:
        self._lessons = lessons
        self._space = space
        self._features = Features(space)

    def believed(self, table: Sequence[Observation]) -> Callable[[Array], Array]:
        """The prior mean: standardized loss (n,) of unit coordinates (n, parameters), given the trials of ``table``.

        Each past counts by its rank correlation with ``table`` (`Lesson.weight`); the weights sum up to at most 1.
        """
        weights = [lesson.weight(table) for lesson in self._lessons]
        total = max(1.0, sum(weights))

        def expected(units: Array) -> Array:
            loss = np.zeros(len(units))
            for model, weight in zip(self._models, weights, strict=True):
                if model is not None and weight > 0.0:
                    loss += weight / total * model.predict(self._features.encode(units))[0]
            return loss

        return expected

    @cached_property
    def _models(self) -> list[GaussianModel | None]:
        return [self._model(lesson) for lesson in self._lessons]

    def _model(self, lesson: Lesson) -> GaussianModel | None:
        if len(lesson.ranked) < 3:
            return None
        places = np.unique(np.linspace(0, len(lesson.ranked) - 1, MODELLED).astype(int))
        units = self._features.units([[lesson.ranked[i].get(p.name) for p in self._space.parameters] for i in places])
        columns, scores = self._features.encode(units), 3.0**0.5 * (2.0 * places / (len(lesson.ranked) - 1) - 1.0)
        variances = np.full(len(places), DOUBT)
        return GaussianModel(hyperparameters(columns, scores, variances), columns, scores, variances)
