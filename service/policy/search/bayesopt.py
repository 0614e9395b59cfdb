"""Searcher (Optuna: ``GPSampler``) of Bayesian optimization with a Gaussian process over the values of all stages."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from bayes_opt.acquisition import UpperConfidenceBound

from service.policy.observation import Observation
from service.policy.search.model.candidates import around, everywhere
from service.policy.search.model.estimates import Estimate, estimate
from service.policy.search.model.features import Array, Features
from service.policy.search.model.gaussian_process import GaussianModel, hyperparameters, undisturbed
from service.policy.search.sobol import point
from service.policy.search.warm_start.lesson import Lesson
from service.policy.search.warm_start.prior import Prior
from service.spec import Spec

FEWEST, MOST_INITIAL = 5, 10
"""Bounds of the number of initial Sobol' points, which is the dimension plus one (``n_startup_trials``)."""

MODELLED, FITTED = 200, 80
"""Most trials in the model, and most that its hyperparameters are fitted to; they bound the cost of a proposal."""

GROWTH = 1.15
"""Hyperparameters are fitted again when the number of values has grown by this factor."""

EVERYWHERE = 8
"""Each trial whose number this divides is a Sobol' point like the first ones, so that a wrong model cannot keep the
search out of a region (as BOHB draws a fraction of its configs at random, Falkner et al. 2018)."""

KAPPA = 1.5
"""Standard deviations of the confidence bound (UCB's kappa)."""

WORST = 0.9
"""Losses are clipped at this quantile, so that very bad configs do not dominate the fit."""


class BayesSearcher:
    """Gaussian process over the last stage's loss with a confidence bound as acquisition (UCB, Srinivas et al. 2010).

    A trial enters with its `Estimate`: the value at its highest stage, mapped to the last one, with a variance. Running
    trials enter with their predicted mean (kriging believer). bayesian-optimization's own ``suggest`` optimizes the
    acquisition by differential evolution, several CPU seconds on mixed spaces; here the same model and acquisition are
    evaluated on a bounded set: random points, points around the best trials, and three refinements. The first trial is
    the middle of the space, the next are a Sobol' sequence. ``lessons`` are the mean function, each by its weight.
    """

    def __init__(self, spec: Spec, lessons: Sequence[Lesson] = ()) -> None:
        self._space = spec.space
        self._goal = spec.metric.goal
        self._seed = spec.search.seed
        self._features = Features(spec.space)
        self._prior = Prior(lessons, spec.space)
        self._initial = FEWEST if lessons else min(max(FEWEST, len(spec.space.parameters) + 1), MOST_INITIAL)
        self._acquisition = UpperConfidenceBound(kappa=KAPPA)
        self._theta: tuple[int, Array] | None = None
        self._units: dict[int, list[float | None]] = {}

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        dimension = len(self._space.parameters)
        estimates = estimate(table, self._goal)
        if number == 1 and dimension:
            return self._space.from_unit([0.5] * dimension)
        numbers = sum(math.isfinite(value) for o in table for value in o.values.values())
        if number <= self._initial or number % EVERYWHERE == 0 or min(len(estimates), numbers) < 3 or not dimension:
            return self._space.from_unit(point(dimension, self._seed, number))
        with undisturbed():
            return self._search(number, table, estimates)

    def _search(self, number: int, table: Sequence[Observation], estimates: Sequence[Estimate]) -> Mapping[str, Any]:
        draw = np.random.default_rng((self._seed, number))
        prior = self._prior.believed(table)
        kept = _subset(estimates, MODELLED, draw)
        units = self._rows(table, [e.trial for e in kept])
        columns = self._features.encode(units)
        losses, variances = _standardized(kept)
        model = GaussianModel(self._hyperparameters(table), columns, losses - prior(units), variances)
        best = units[np.argsort(model.predict(columns)[0] + prior(units))[:10]]
        running = [o.trial for o in table if o.running and not o.values]
        if running:
            model = model.believing(self._features.encode(self._rows(table, running)))
        candidates = np.concatenate([everywhere(draw, len(units.T)), around(draw, best, self._space)])
        scores = self._scores(model, prior, candidates)
        for radius in (0.1, 0.05, 0.02):
            near = around(draw, candidates[[int(np.argmax(scores))]], self._space, radius)
            candidates = np.concatenate([candidates, near])
            scores = np.concatenate([scores, self._scores(model, prior, near)])
        return self._unseen(candidates[np.argsort(-scores, kind="stable")], table)

    def _scores(self, model: GaussianModel, prior: Callable[[Array], Array], candidates: Array) -> Array:
        units = self._features.prune(candidates)
        mean, deviation = model.predict(self._features.encode(units))
        return np.asarray(self._acquisition.base_acq(-mean - prior(units), deviation))

    def _unseen(self, ordered: Array, table: Sequence[Observation]) -> Mapping[str, Any]:
        """The config of the first point that no trial has; of the very first if trials have them all."""
        tried = {repr(sorted(o.config.items())) for o in table}
        configs = (self._space.from_unit([float(u) for u in row]) for row in ordered)
        first = next(configs)
        if repr(sorted(first.items())) not in tried:
            return first
        return next((config for config in configs if repr(sorted(config.items())) not in tried), first)

    def _hyperparameters(self, table: Sequence[Observation]) -> Array:
        """The kernel's hyperparameters, fitted to a prefix of the values, so that a rebuilt searcher has the same."""
        values = sorted((order, o.trial, stage) for o in table for stage, order in _orders(o).items())
        count = _milestone(len(values))
        if self._theta is None or self._theta[0] != count:
            known = {(trial, stage) for _, trial, stage in values[:count]}
            early = [replace(o, state="RUNNING", values=_only(known, o)) for o in table]
            kept = _subset(estimate(early, self._goal), FITTED, np.random.default_rng((self._seed, count)))
            columns = self._features.encode(self._rows(table, [e.trial for e in kept]))
            self._theta = (count, hyperparameters(columns, *_standardized(kept)))
        return self._theta[1]

    def _rows(self, table: Sequence[Observation], trials: Sequence[int]) -> Array:
        for observation in table:
            if observation.trial not in self._units:
                self._units[observation.trial] = self._space.to_unit(observation.config)
        return self._features.units([self._units[trial] for trial in trials])


def _only(known: Collection[tuple[int, int]], observation: Observation) -> dict[int, float]:
    """The values of a trial by stage that are among the ``known`` ones, which are told by trial and stage."""
    return {stage: v for stage, v in observation.values.items() if (observation.trial, stage) in known}


def _orders(observation: Observation) -> Mapping[int, int]:
    """The positions, among all values of the sweep, of a trial's values that are numbers, by stage."""
    return {stage: observation.order.get(stage, 0) for stage, v in observation.values.items() if math.isfinite(v)}


def _milestone(count: int) -> int:
    """The largest number up to ``count`` of the sequence 3, 4, 5, 6, 7, 9, 11, ..., which grows by `GROWTH`."""
    step = 3
    while (after := max(step + 1, math.floor(step * GROWTH))) <= count:
        step = after
    return step


def _subset(estimates: Sequence[Estimate], most: int, draw: np.random.Generator) -> list[Estimate]:
    """At most ``most`` estimates: half of them the best, the other half drawn from the rest."""
    if len(estimates) <= most:
        return list(estimates)
    ordered = sorted(estimates, key=lambda e: (e.loss, e.trial))
    rest = draw.choice(len(ordered) - most // 2, most - most // 2, replace=False) + most // 2
    return ordered[: most // 2] + [ordered[i] for i in sorted(rest)]


def _standardized(estimates: Sequence[Estimate]) -> tuple[Array, Array]:
    """Losses with mean 0 and deviation 1, and their variances on that scale; shapes (n,)."""
    losses = np.array([e.loss for e in estimates])
    losses = np.minimum(losses, np.quantile(losses, WORST))
    scale = float(losses.std()) + 1e-12
    variances = np.minimum(np.array([e.variance for e in estimates]) / scale**2, 4.0)
    return (losses - losses.mean()) / scale, variances
