"""Searcher of random search (Bergstra and Bengio 2012; Optuna: ``RandomSampler``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.policy.observation import Observation
from service.spec import Spec
from service.spec.space.space import Space


def draw(space: Space, seed: int, number: int) -> list[float]:
    """A uniform point of the unit cube, shape ``(space.dimension,)``, fixed by the seed and the trial's number."""
    return [float(u) for u in np.random.default_rng((seed, number)).random(len(space.parameters))]


class RandomSearcher:
    """Random search: independent draws from the space."""

    def __init__(self, spec: Spec) -> None:
        self._space = spec.space
        self._seed = spec.search.seed

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        return self._space.from_unit(draw(self._space, self._seed, number))
