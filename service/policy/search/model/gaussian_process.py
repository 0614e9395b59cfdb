"""Gaussian process over configs: scikit-learn's, as in bayesian-optimization, with bounded cost."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from threadpoolctl import ThreadpoolController

Array = NDArray[np.float64]

ITERATIONS = 12
"""Steps of L-BFGS for the hyperparameters."""

LENGTH, SPREAD = 0.3, 0.9
"""Length scales are taken to be about ``0.3 * sqrt(columns)``, within a factor e ** 0.9 (a log-normal prior)."""

NOISE = (0.02, 1.5)
"""The same for the noise variance of standardized losses."""


def hyperparameters(columns: Array, losses: Array, variances: Array) -> Array:
    """The most probable (MAP) kernel parameters, as logarithms, for standardized ``losses`` with known ``variances``.

    Shapes: columns (n, d), losses (n,), variances (n,); the result is for `GaussianModel`. Matern 5/2 with a length
    scale for each column (Snoek et al. 2012). The priors keep a model of few points from being overconfident.
    """
    model = _regressor(_kernel(columns.shape[1]), variances, _bounded)
    model.fit(columns, losses)
    return np.asarray(model.kernel_.theta)


class GaussianModel:
    """The posterior for standardized ``losses`` (n,) at ``columns`` (n, d) with known ``variances`` (n,)."""

    def __init__(self, theta: Array, columns: Array, losses: Array, variances: Array) -> None:
        kernel = _kernel(columns.shape[1]).clone_with_theta(theta)
        self._model = _regressor(kernel, variances, None)
        self._data = (columns, losses, variances)
        self._theta = theta
        self._model.fit(columns, losses)

    def predict(self, columns: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the loss itself, without noise, at columns (m, d); shapes (m,)."""
        mean, deviation = self._model.predict(columns, return_std=True)
        noise = float(np.exp(self._theta[-1]))
        return mean, np.sqrt(np.maximum(deviation**2 - noise, 1e-12))

    def believing(self, columns: Array) -> GaussianModel:
        """The model with each of ``columns`` (m, d) added at its predicted mean (kriging believer).

        Ginsbourger et al. 2010; it keeps proposals away from configs of running trials.
        """
        known, losses, variances = self._data
        mean, _ = self.predict(columns)
        return GaussianModel(
            self._theta,
            np.concatenate([known, columns]),
            np.concatenate([losses, mean]),
            np.concatenate([variances, np.full(len(columns), 1e-3)]),
        )


def _kernel(columns: int) -> Any:
    lengths = np.full(columns, LENGTH * math.sqrt(columns))
    smooth = ConstantKernel(1.0, (0.02, 50.0)) * Matern(lengths, (0.03, 30.0), nu=2.5)
    return smooth + WhiteKernel(NOISE[0], (1e-4, 1.0))


def _regressor(kernel: Any, variances: Array, optimizer: Any) -> GaussianProcessRegressor:
    return GaussianProcessRegressor(kernel, alpha=variances + 1e-8, optimizer=optimizer, copy_X_train=False)


def _bounded(objective: Callable[..., Any], start: Array, bounds: Sequence[Any]) -> tuple[Array, float]:
    """L-BFGS of at most `ITERATIONS` steps from the priors' centre on the posterior of the hyperparameters."""
    deviations = np.concatenate([[1.0], np.full(len(start) - 2, SPREAD), [NOISE[1]]])

    def posterior(theta: Array) -> tuple[float, Array]:
        loss, gradient = objective(theta)
        away = (theta - start) / deviations
        return float(loss + 0.5 * away @ away), gradient + away / deviations

    found = minimize(posterior, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ITERATIONS})
    return found.x, float(found.fun)


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Context of one BLAS thread, which is faster for small matrices, without scikit-learn's warnings."""
    with _threads().limit(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
