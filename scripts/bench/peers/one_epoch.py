"""One epoch, then the best few in full: the plainest use of a coarse fidelity, which any method has to beat."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from bench.problems.problems import Problem
from bench.problems.space import Config
from bench.problems.world import Verdict, Work

BATCH, KEPT = 30, 3
"""Of so many new random configs so many are trained in full; the paper keeps three of one large batch, which would not
be over within the time here."""


class OneEpoch:
    """Random configs at the lowest level; after each `BATCH` the best `KEPT` that have come no farther, in full.

    Egele et al., 2023, "Is One Epoch All You Need For Multi-Fidelity Hyperparameter Optimization?".
    """

    every_level = False

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem = problem
        self._rng = np.random.default_rng(seed)
        self._configs: dict[int, Config] = {}
        self._losses: dict[int, float] = {}
        self._chosen: list[int] = []
        self._heard = 0

    def next(self) -> Work | None:
        if self._chosen:
            key = self._chosen.pop(0)
            return Work(key, self._configs[key], self._problem.top)
        key = len(self._configs)
        self._configs[key] = self._problem.space.sample(self._rng)
        return Work(key, self._configs[key], 0)

    def report(self, key: Hashable, level: int, loss: float, seconds: float) -> Verdict:
        if level == 0:
            self._losses[int(str(key))] = loss
            self._heard += 1
            if self._heard % BATCH == 0:
                best = sorted(self._losses, key=self._losses.__getitem__)[:KEPT]
                self._chosen += best
                for chosen in best:
                    del self._losses[chosen]
        return "pause"


def one_epoch(problem: Problem, seed: int) -> OneEpoch:
    """Random search at the lowest level, the best in full."""
    return OneEpoch(problem, seed)
