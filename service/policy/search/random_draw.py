"""Random points of a space, each fixed by the seed and the trial that it is for."""

from __future__ import annotations

import numpy as np

from service.spec.space.space import Space


def draw(space: Space, seed: int, number: int, again: int = 0) -> list[float]:
    """A uniform point of the unit cube, shape ``(space.dimension,)``, fixed by the seed and the trial's number.

    ``again`` counts further points for the same trial.
    """
    entropy = (seed, number, 2, again) if again else (seed, number)
    return [float(u) for u in np.random.default_rng(entropy).random(len(space.parameters))]
