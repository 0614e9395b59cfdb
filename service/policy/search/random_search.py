"""Random search (Bergstra and Bengio 2012)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.policy.observation import Observation
from service.policy.search.random_draw import draw
from service.policy.search.untried import Untried
from service.spec import Spec


class RandomSearcher:
    """Independent draws from the space, without repeats; learns nothing."""

    def __init__(self, spec: Spec) -> None:
        self._space = spec.space
        self._seed = spec.search.seed
        self._untried = Untried(spec.space, spec.search.seed)

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        self._untried.update(table)
        return self._untried.nearest(self._space.from_unit(draw(self._space, self._seed, number)), number)
