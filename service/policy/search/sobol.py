"""Sobol' search: a low-discrepancy sequence (Sobol' 1967, scrambled after Owen 1998) by scipy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from service.policy.observation import Observation
from service.policy.search.untried import Untried
from service.spec import Spec


class SobolSearcher:
    """Point n of one scrambled sequence for trial n: even coverage from the first trials on; learns nothing."""

    def __init__(self, spec: Spec) -> None:
        self._space = spec.space
        self._seed = spec.search.seed
        self._untried = Untried(spec.space, spec.search.seed)

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        self._untried.update(table)
        return self._untried.nearest(self._space.from_unit(point(self._space.dimension, self._seed, number)), number)


def point(dimension: int, seed: int, number: int, stream: int = 0) -> list[float]:
    """Point ``number`` (from 1) of the sequence, shape ``(dimension,)``, in [0, 1).

    Only runs of consecutive points cover the cube evenly: whoever takes a share of the trials numbers its own and names
    another ``stream``, which is scrambled differently.
    """
    if dimension == 0:
        return []
    sequence = qmc.Sobol(dimension, scramble=True, rng=np.random.default_rng((seed, stream) if stream else seed))
    if number > 1:  # scipy cannot go forward by nothing
        sequence.fast_forward(number - 1)
    return [float(u) for u in sequence.random(1)[0]]
