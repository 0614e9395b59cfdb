"""When models are fitted anew: at milestones that a rebuilt searcher finds again."""

from __future__ import annotations

import math

import numpy as np

from service.policy.search.model.features import Array

GROWTH = 1.15
"""A model is fitted anew whenever there are so many times the numbers of the last time."""


class Milestones:
    """The ``numbers`` (trials, stages) of a sweep that are known, in the ``order`` in which they came; NaN for others.

    ``reached`` is the largest of 3, 4, 5, 6, 7, 9, 11, ... (times `GROWTH`) that their count has come to.
    """

    def __init__(self, numbers: Array, order: Array) -> None:
        self._numbers, self._order = numbers, order
        self._rows, self._stages = np.nonzero(np.isfinite(order) & np.isfinite(numbers))
        self.reached = _milestone(len(self._rows))

    def first(self) -> Array:
        """The numbers up to the milestone, NaN for the later ones."""
        rows, stages = self._rows, self._stages
        first = np.lexsort((stages, rows, self._order[rows, stages]))[: self.reached]
        early = np.full_like(self._numbers, np.nan)
        early[rows[first], stages[first]] = self._numbers[rows[first], stages[first]]
        return early


def _milestone(count: int) -> int:
    step = 3
    while (after := max(step + 1, math.floor(step * GROWTH))) <= count:
        step = after
    return step
