"""What is to be gained by training a config."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from bayes_opt.acquisition import UpperConfidenceBound

from service.policy.search.model.cost import CostModel
from service.policy.search.model.feasibility import Feasibility
from service.policy.search.model.features import Array, Features
from service.policy.search.model.gaussian_process import GaussianModel

KAPPA = 1.5
"""Optimism of the upper confidence bound, in standard deviations."""


@dataclass(frozen=True)
class Acquisition:
    """The upper confidence bound of minus the loss that ``model`` adds to ``prior``.

    Where training may fail (``feasible`` says how likely it does not), what is above the loss ``worst`` counts by that
    probability, as if a failure were as bad as that. What is better than the loss ``best``, the least that is expected
    of a known config, counts by the ``cost`` to the power of minus ``thrift``: 1 is gain per second, 0 gain alone
    (cost cooling, Lee et al. 2020).
    """

    model: GaussianModel
    prior: Callable[[Array], Array]
    features: Features
    feasible: Feasibility | None
    worst: float
    best: float = 0.0
    cost: CostModel | None = None
    thrift: float = 0.0

    def __call__(self, candidates: Array) -> Array:
        """Scores, larger for the better, shape (m,), at unit coordinates (m, parameters)."""
        units = self.features.prune(candidates)
        columns = self.features.encode(units)
        mean, deviation = self.model.predict(columns)
        bounds = np.asarray(UpperConfidenceBound(kappa=KAPPA).base_acq(-mean - self.prior(units), deviation))
        if self.feasible is not None:
            gain = bounds + self.worst
            bounds = np.where(gain > 0.0, gain * self.feasible(columns), gain) - self.worst
        if self.cost is None or self.thrift == 0.0:
            return bounds
        gain = bounds + self.best
        return np.where(gain > 0.0, gain * self.cost(columns) ** -self.thrift, gain) - self.best
