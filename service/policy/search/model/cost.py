"""What configs cost: seconds of training, as far as they depend on the config."""

from __future__ import annotations

import warnings

import numpy as np

from service.policy.limits import max_trials
from service.policy.search.model.features import Array
from service.policy.search.model.gaussian_process import GaussianModel, hyperparameters
from service.policy.worth.stage_worth import SHORTEST
from service.spec import Spec

FEWEST = 8
"""Trials whose seconds are known before their costs are modelled."""

DOUBT = 0.01
"""Noise variance of standardized costs, beside what is fitted."""

STEEPEST = 3.0
"""Costs are told apart within a factor of e to this power from the typical one."""


class CostModel:
    """How many times as long a config trains as a typical one, by the ``logs`` (n,) of that at ``columns`` (n, d).

    A Gaussian process, whose answers are drawn towards 1 by the share of the variance that it explains of trials which
    it was not shown (leave-one-out, Sundararajan and Keerthi 2001): where times are chance, they count for nothing.
    """

    def __init__(self, columns: Array, logs: Array) -> None:
        self._centre, self._scale = float(logs.mean()), float(logs.std())
        self.explained = 0.0
        if self._scale > 0.0:
            standard, doubt = (logs - self._centre) / self._scale, np.full(len(logs), DOUBT)
            self._model = GaussianModel(hyperparameters(columns, standard, doubt), columns, standard, doubt)
            self.explained = max(0.0, 1.0 - float(np.square(self._model.unseen()).mean()))

    def __call__(self, columns: Array) -> Array:
        """The factor for each of ``columns`` (m, d), shape (m,)."""
        if self.explained == 0.0:
            return np.ones(len(columns))
        logs = self._centre + self._scale * self._model.mean(columns)
        return np.exp(self.explained * np.clip(logs, -STEEPEST, STEEPEST))


def relative(seconds: Array) -> Array:
    """Logarithms (n,) of what trials took beside the median of each stage (n, stages) that they ended; NaN for none.

    A stage of less than `SHORTEST` seconds is not seen: such times measure the machine rather than the config.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows and columns without a number
        known = np.where(seconds > 0.0, seconds, np.nan)
        usual = np.nanmedian(known, axis=0)
        return np.asarray(np.nanmean(np.log(known / np.where(usual >= SHORTEST, usual, np.nan)), axis=1))


def spent(spec: Spec, number: int, seconds: Array, running: int) -> float:
    """The share of the sweep's budget, in [0, 1], that is used before trial ``number``.

    ``seconds`` (n, stages) is what trials took, while ``running`` of them train and a slot is free.
    """
    trials, budget = max_trials(spec), spec.budget
    shares = [0.0 if trials is None else number / trials]
    if budget.time is not None:
        shares.append(float(np.nansum(seconds)) / (budget.time * (running + 1)))
    if budget.epochs is not None:
        costs = np.array([stage.cost for stage in spec.plan.stages])[: seconds.shape[1]]
        shares.append(float((np.isfinite(seconds) * costs).sum()) / budget.epochs)
    return min(1.0, max(shares))
