"""Candidates for the acquisition function: points of the unit cube, uniform and around good ones."""

from __future__ import annotations

import numpy as np

from service.policy.search.model.features import Array, is_category
from service.spec.space.space import Space

EVERYWHERE, AROUND, REFINED = 1200, 400, 100
BELOW_ONE = 1.0 - 1e-9
NEAREST, FARTHEST = 0.01, 0.3
"""Bounds of the step size around a good point, drawn log-uniformly."""


def everywhere(draw: np.random.Generator, dimension: int) -> Array:
    """Uniform points, shape (`EVERYWHERE`, dimension)."""
    return draw.random((EVERYWHERE, dimension))


def around(draw: np.random.Generator, good: Array, space: Space, radius: float | None = None) -> Array:
    """Points near the rows of ``good``, shape (n, dimension), best first; NaN (inactive) counts as the middle.

    Each point changes some coordinates by normal steps, and sometimes draws a category anew. The first rows have more
    neighbours. With ``radius`` all steps have that scale, there are `REFINED` points instead of `AROUND`, and
    categories stay.
    """
    count = AROUND if radius is None else REFINED
    dimension = good.shape[1]
    centres = np.nan_to_num(good, nan=0.5)[np.minimum(draw.geometric(0.25, count) - 1, len(good) - 1)]
    steps = np.exp(draw.uniform(np.log(NEAREST), np.log(FARTHEST), (count, 1))) if radius is None else radius
    moved = draw.random((count, dimension)) < max(0.3 if radius is None else 0.5, 1.0 / dimension)
    points = np.where(moved, centres + steps * draw.standard_normal(centres.shape), centres)
    for index, parameter in enumerate(space.parameters):
        if is_category(parameter):
            anew = moved[:, index] & (draw.random(count) < 0.5) & (radius is None)
            points[:, index] = np.where(anew, draw.random(count), centres[:, index])
    return np.clip(points, 0.0, BELOW_ONE)
