"""Searchers of a user's own."""

from __future__ import annotations

import random
from typing import Any

from ray.tune.search import Searcher


class Climber(Searcher):
    """Draws around the best config that it has been told of."""

    def __init__(self, space: dict[str, Any], metric: str, mode: str) -> None:
        super().__init__(metric, mode)
        self._space = space
        self._suggested: dict[str, dict[str, Any]] = {}
        self._best: tuple[float, dict[str, Any]] = (float("-inf"), {})

    def suggest(self, trial_id: str) -> dict[str, Any]:
        config = {name: domain.sample() for name, domain in self._space.items()}
        if self._best[1] and random.random() < 0.7:
            config["x"] = min(1.0, max(0.0, self._best[1]["x"] + random.gauss(0.0, 0.05)))
        self._suggested[trial_id] = config
        return config

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if result:
            told = result[str(self.metric)], self._suggested[trial_id]
            self._best = max(self._best, told, key=lambda pair: pair[0])


class Demanding(Searcher):
    """Asks for what nobody gives it."""

    def __init__(self, budget: int) -> None:
        super().__init__()


class Elsewhere(Climber):
    """Searches a space of its own."""

    def suggest(self, trial_id: str) -> dict[str, Any]:
        return {"y": 1.0}


class NotASearcher:
    """A class that is no searcher."""
