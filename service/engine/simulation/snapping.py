"""From a proposed config to the nearest recorded one that no trial has had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.spec.errors import SpecError
from service.spec.space.space import Space

CATEGORIES = ("choice", "grid_search")


class Snapping:
    """Hands out each of ``configs`` (flat) once, as far as they lie in the space that was entered last.

    The distance is Euclidean in the unit cube; two categories differ by 1 or 0, and so does a parameter that is active
    in one config alone or in neither. Of equally near configs the first is taken.
    """

    def __init__(self, configs: Sequence[Mapping[str, Any]]) -> None:
        self._configs = configs
        self._used = np.zeros(len(configs), dtype=bool)

    def enter(self, space: Space) -> int:
        """Hand out configs in ``space`` alone from now on; returns how many are left."""
        self._space = space
        self._categorical = np.array([p.kind in CATEGORIES for p in space.parameters], dtype=bool)
        points = [self._inside(config) for config in self._configs]
        self._outside = np.array([point is None for point in points])
        absent = np.full(space.dimension, np.nan)
        self._points = np.array([absent if point is None else point for point in points])
        return int((~self._used & ~self._outside).sum())

    def take(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The recorded config that a trial of ``config`` gets; there must be one left."""
        point = self._point(config)
        gaps = np.abs(self._points - point)
        gaps[:, self._categorical] = gaps[:, self._categorical] > 0
        gaps[np.isnan(self._points) & np.isnan(point)] = 0.0
        gaps[np.isnan(self._points) != np.isnan(point)] = 1.0
        distances = np.square(gaps).sum(axis=1)
        distances[self._used | self._outside] = np.inf
        nearest = int(np.argmin(distances))
        self._used[nearest] = True
        return self._configs[nearest]

    def _inside(self, config: Mapping[str, Any]) -> NDArray[np.float64] | None:
        try:
            return self._point(config)
        except SpecError:
            return None

    def _point(self, config: Mapping[str, Any]) -> NDArray[np.float64]:
        """The unit-cube coordinates of ``config``, shape ``(dimension,)``; NaN for an inactive parameter."""
        return np.array([np.nan if unit is None else unit for unit in self._space.to_unit(config)], dtype=np.float64)
