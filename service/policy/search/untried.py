"""Configs that no trial has: training one again would show nothing new."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from service.policy.observation import Observation
from service.policy.search.model.features import Array, Features
from service.policy.search.random_draw import draw
from service.spec.space.samplers import mark
from service.spec.space.space import Space

LISTED = 4096
"""A space of at most so many configs is listed, and the nearest new one taken."""

DRAWS = 1000
"""In a larger one so many are drawn; if a trial has each of them, nothing new is left that is likely enough."""

Config = Mapping[str, Any]


class Untried:
    """Keeps the proposals of one searcher apart from the trials that there are, whatever became of them.

    It remembers the configs of the table that it was shown last, and reads of the next one only what has changed.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._known: dict[int, Observation] = {}
        self._seen: set[int] = set()
        self._first: dict[Any, int] = {}

    def update(self, table: Sequence[Observation]) -> None:
        """Show the table as it is now."""
        # Observations that are kept are compared by identity, which no other object has meanwhile.
        changed = [o for o in table if id(o) not in self._seen]
        new = [o for o in changed if o.trial not in self._known]
        other = any(o.trial in self._known and self._known[o.trial].config != o.config for o in changed)
        if other or len(self._known) + len(new) != len(table):
            self._known, self._first, self._seen = {}, {}, set()
            changed = new = list(table)
        for observation in new:
            key = self._key(observation.config)
            self._first[key] = min(observation.trial, self._first.get(key, observation.trial))
        for observation in changed:
            self._seen.discard(id(self._known.get(observation.trial)))
            self._seen.add(id(observation))
            self._known[observation.trial] = observation

    def has(self, config: Config, number: int) -> bool:
        """Whether no trial before ``number`` has ``config``."""
        return self._first.get(self._key(config), number) >= number

    def nearest(self, config: Config, number: int) -> Config | None:
        """``config`` itself for trial ``number`` if that is new, else another one; None when there is none left.

        In a small space it is the nearest new one, by features; of equally near ones, and elsewhere, chance decides.
        """
        if self.has(config, number):
            return config
        if self._size > LISTED:
            drawn = (self._space.from_unit(draw(self._space, self._seed, number, n)) for n in range(1, DRAWS + 1))
            return next((other for other in drawn if self.has(other, number)), None)
        points, places = self._listed
        new = [index for index, point in enumerate(points) if self.has(point, number)]
        if not new:
            return None
        here = self._places([config])
        gaps = np.square(places[new] - here).sum(axis=1)
        ties = np.flatnonzero(gaps <= gaps.min() * (1.0 + 1e-9))
        return points[new[int(np.random.default_rng((self._seed, number)).choice(ties))]]

    @cached_property
    def _size(self) -> float:
        """How many configs there are at most; infinite for real numbers."""
        return math.prod(p.sampler.count or math.inf for p in self._space.parameters)

    @cached_property
    def _listed(self) -> tuple[list[dict[str, Any]], Array]:
        points = self._space.grid()
        return points, self._places(points)

    def _places(self, configs: Sequence[Config]) -> Array:
        features = Features(self._space)
        return features.encode(features.units([self._space.to_unit(config) for config in configs]))

    def _key(self, config: Config) -> Any:
        return tuple(mark(config[p.name]) if p.name in config else None for p in self._space.parameters)
