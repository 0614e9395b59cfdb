"""Where training comes to a number at all: configs that fail or diverge are no losses, however bad."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from service.policy.search.model.features import Array
from service.policy.search.model.gaussian_process import GaussianModel, expected

DOUBT = 0.05
"""Variance of a verdict (1 sound, -1 bad) on a config: the same one may fail by bad luck."""


class Feasibility:
    """The probability that a config trains soundly, by those that did (``sound``) and did not (``bad``).

    Both are features (n, d). A Gaussian process of the verdicts around their mean, as least squares classify
    (Rasmussen and Williams 2006, chapter 6.5); far from all it is the share that trained soundly.
    """

    def __init__(self, sound: Array, bad: Array) -> None:
        columns = np.concatenate([sound, bad])
        verdicts = np.repeat([1.0, -1.0], [len(sound), len(bad)])
        self._mean = float(verdicts.mean())
        self._model = GaussianModel(
            expected(columns.shape[1]), columns, verdicts - self._mean, np.full(len(columns), DOUBT)
        )

    def __call__(self, columns: Array) -> Array:
        """The probability at features (m, d), shape (m,)."""
        mean, deviation = self._model.predict(columns)
        return np.asarray(ndtr((self._mean + mean) / deviation))
