"""A Gaussian process over configs, its hyperparameters fitted by scikit-learn; bounded in cost."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
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

JITTER, SMALLEST = 1e-8, 1e-12
"""Beside losses of variance 1: what keeps a covariance invertible, and the least variance of a prediction."""


def hyperparameters(columns: Array, losses: Array, variances: Array) -> Array:
    """The most probable kernel parameters (logarithms) for standardized ``losses`` with known ``variances``.

    Shapes: columns (n, d), losses (n,), variances (n,); the result is for `GaussianModel`. Matern 5/2 with a length
    scale for each column (Snoek et al. 2012). The priors keep a model of few points from claiming certainty.
    """
    kernel = _kernel(columns.shape[1])
    model = GaussianProcessRegressor(kernel, alpha=variances + JITTER, optimizer=_bounded, copy_X_train=False)
    model.fit(columns, losses)
    return np.asarray(model.kernel_.theta)


class GaussianModel:
    """The posterior for standardized ``losses`` (n,) at ``columns`` (n, d) with known ``variances`` (n,).

    It is scikit-learn's, without the copies and checks that cost more than the arithmetic at this size.
    """

    def __init__(self, theta: Array, columns: Array, losses: Array, variances: Array) -> None:
        self._theta = theta
        self._scale, self._lengths, self._noise = math.exp(theta[0]), np.exp(theta[1:-1]), math.exp(theta[-1])
        self._data = (columns, losses, variances)
        covariance = self._covariance(columns)
        covariance[np.diag_indices_from(covariance)] += self._noise + variances + JITTER
        self._root = cholesky(covariance, lower=True, check_finite=False)
        self._weights = cho_solve((self._root, True), losses, check_finite=False)

    def predict(self, columns: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the loss itself, without noise, at columns (m, d); shapes (m,)."""
        cross = self._covariance(columns)
        known = solve_triangular(self._root, cross.T, lower=True, check_finite=False)
        variance = self._scale - np.einsum("ij,ij->j", known, known)
        return cross @ self._weights, np.sqrt(np.maximum(variance, SMALLEST))

    def unseen(self) -> Array:
        """Each loss less what the others let expect, shape (n,) (Rasmussen and Williams 2006, equation 5.12)."""
        inverse = solve_triangular(self._root, np.eye(len(self._root)), lower=True, check_finite=False)
        return np.asarray(self._weights / np.square(inverse).sum(axis=0))

    def mean(self, columns: Array) -> Array:
        """The mean alone, which costs far less."""
        return np.asarray(self._covariance(columns) @ self._weights)

    def _covariance(self, columns: Array) -> Array:
        """Matern 5/2 between columns (m, d) and those of the model, shape (m, n)."""
        unit = self._lengths / math.sqrt(5.0)
        apart = cdist(columns / unit, self._data[0] / unit)
        found = np.exp(-apart)  # In place from here on: the arrays are large, and what is left is bound by memory.
        found *= self._scale
        polynomial = apart * (1.0 / 3.0)
        polynomial += 1.0
        polynomial *= apart
        polynomial += 1.0
        found *= polynomial
        return np.asarray(found)

    def believing(self, columns: Array) -> GaussianModel:
        """The model as if each of ``columns`` (m, d) had turned out as expected.

        A constant liar that believes its own mean (kriging believer, Ginsbourger et al. 2010): proposals keep away from
        configs that are still being trained.
        """
        known, losses, variances = self._data
        mean = self.mean(columns)
        return GaussianModel(
            self._theta,
            np.concatenate([known, columns]),
            np.concatenate([losses, mean]),
            np.concatenate([variances, np.full(len(columns), 1e-3)]),
        )


def expected(columns: int) -> Array:
    """The kernel parameters that are most probable before anything is seen, for so many columns."""
    return np.asarray(_kernel(columns).theta)


def _kernel(columns: int) -> Any:
    lengths = np.full(columns, LENGTH * math.sqrt(columns))
    smooth = ConstantKernel(1.0, (0.02, 50.0)) * Matern(lengths, (0.03, 30.0), nu=2.5)
    return smooth + WhiteKernel(NOISE[0], (1e-4, 1.0))


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
    """One thread, as small matrices lose more to threads than they gain, and none of scikit-learn's warnings."""
    with _threads().limit(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
