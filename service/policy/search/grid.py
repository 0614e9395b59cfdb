"""Searcher of grid search (Ray Tune: ``grid_search``; Optuna: ``GridSampler``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.policy.observation import Observation
from service.spec import Spec


class GridSearcher:
    """Grid search: the first point that no trial has, in the order of the spec, the last parameter fastest.

    Raises:
        SpecError: a parameter of the space is continuous.
    """

    def __init__(self, spec: Spec) -> None:
        self._points = spec.space.grid()

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        tried = [dict(o.config) for o in table]
        return next((point for point in self._points if point not in tried), None)
