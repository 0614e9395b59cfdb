"""Searcher of quasi-random search (Optuna: ``QMCSampler``): scipy's Sobol' sequence, scrambled (Owen 1998)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from service.policy.observation import Observation
from service.spec import Spec


class SobolSearcher:
    """Quasi-random search: trial n has point n of one scrambled Sobol' sequence, which covers the space evenly."""

    def __init__(self, spec: Spec) -> None:
        self._space = spec.space
        self._seed = spec.search.seed

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        return self._space.from_unit(point(len(self._space.parameters), self._seed, number))


def point(dimension: int, seed: int, number: int) -> list[float]:
    """Point ``number`` (from 1) of the sequence, shape ``(dimension,)``, in [0, 1)."""
    if dimension == 0:
        return []
    sequence = qmc.Sobol(dimension, scramble=True, rng=np.random.default_rng(seed))
    if number > 1:  # fast_forward(0) raises
        sequence.fast_forward(number - 1)
    return [float(u) for u in sequence.random(1)[0]]
