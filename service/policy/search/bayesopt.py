"""Bayesian optimization by a Gaussian process that learns from every stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.policy.observation import Observation
from service.policy.search.model.acquisition import Acquisition
from service.policy.search.model.candidates import around, everywhere
from service.policy.search.model.cost import FEWEST as COSTED
from service.policy.search.model.cost import CostModel, relative, spent
from service.policy.search.model.estimates import Estimates, estimate
from service.policy.search.model.feasibility import Feasibility
from service.policy.search.model.features import Array, Features
from service.policy.search.model.gaussian_process import GaussianModel, hyperparameters, undisturbed
from service.policy.search.model.milestones import Milestones
from service.policy.search.model.trial_arrays import TrialArrays
from service.policy.search.sobol import point
from service.policy.search.untried import Untried
from service.policy.search.warm_start.past_model import PastModel
from service.policy.search.warm_start.prior import Prior
from service.spec import Spec

FEWEST, MOST_INITIAL = 5, 10
"""The first trials, the dimension plus one of them within these bounds, are spread evenly before a model is asked."""

MODELLED, FITTED = 200, 80
"""Most trials that a model holds, and that its hyperparameters are fitted to: the cost of a proposal is bounded."""

BELIEVED = 50
"""Most trials that are still running in a model: those expected to be best, near which proposals would crowd."""

VERDICTS = 150
"""Most trials, drawn from all, that show where training fails."""

EVERYWHERE = 8
"""Each trial whose number this divides is spread evenly like the first ones, so that no model, however wrong, keeps the
search from any corner (as BOHB draws a share of its configs at random, Falkner et al. 2018)."""

THRIFT = 0.5
"""Gain counts by so many powers of the seconds at first, and by none when the budget is spent. Gain per second, 1, kept
to what is cheap where the good is not (as others found, Lee et al. 2020)."""

SPREAD = 1
"""The stream of these trials, a Sobol' sequence of their own, point by point: every 8th point of one sequence visits
the same quarter of a range for ever."""


class BayesSearcher:
    """Proposes where a Gaussian process of the last stage's loss is lowest with some luck (UCB, Srinivas et al. 2010).

    Every trial enters with its `estimate`: the rank of its value at its highest stage, carried to the last one, with
    the doubt in that. Trials still running are believed to turn out as expected; those that failed or diverged make
    configs like theirs improbable (`Feasibility`). bayesian-optimization's own ``suggest`` optimizes
    its acquisition by differential evolution for several CPU seconds on mixed spaces; here the same model and
    acquisition are searched on a bounded set: random points, points around the best trials, and three refinements.
    The first trial is the middle of the space, the next are a Sobol' sequence. ``lessons`` are the model's mean, each
    as far as it can be believed: the process learns what differs.
    """

    def __init__(self, spec: Spec, lessons: Sequence[PastModel] = ()) -> None:
        self._spec = spec
        self._space = spec.space
        self._seed = spec.search.seed
        self._untried = Untried(spec.space, spec.search.seed)
        self._features = Features(spec.space)
        self._prior = Prior(lessons, spec.space)
        self._initial = FEWEST if lessons else min(max(FEWEST, len(spec.space.parameters) + 1), MOST_INITIAL)
        self._theta: tuple[int, Array] | None = None
        self._cost: tuple[int, CostModel | None] = 0, None
        self._trials = TrialArrays(spec.metric.goal)
        self._units: dict[int, list[float | None]] = {}

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        dimension = len(self._space.parameters)
        self._trials.update(table)
        self._untried.update(table)
        if number == 1 and dimension:
            return self._new([0.5] * dimension, number)
        estimates = estimate(self._trials.sound)
        if number <= self._initial or len(estimates) < 3 or not dimension:
            return self._new(point(dimension, self._seed, number), number)
        if number % EVERYWHERE == 0:
            return self._new(point(dimension, self._seed, number // EVERYWHERE, SPREAD), number)
        with undisturbed():
            return self._searched(number, table, estimates)

    def _new(self, unit: Sequence[float], number: int) -> Mapping[str, Any] | None:
        return self._untried.nearest(self._space.from_unit(unit), number)

    def _searched(self, number: int, table: Sequence[Observation], estimates: Estimates) -> Mapping[str, Any] | None:
        draw = np.random.default_rng((self._seed, number))
        prior = self._prior.believed(table)
        kept = estimates.subset(MODELLED, draw)
        units = self._rows(kept.rows)
        columns = self._features.encode(units)
        losses, variances = kept.standardized()
        model = GaussianModel(self._hyperparameters(), columns, losses - prior(units), variances)
        believed = model.mean(columns) + prior(units)
        best, least = units[np.argsort(believed)[:10]], float(believed.min())
        running = self._rows(np.flatnonzero(self._trials.running))
        if len(running):
            expected = self._features.encode(running)
            if len(running) > BELIEVED:
                expected = expected[np.argsort(model.mean(expected) + prior(running), kind="stable")[:BELIEVED]]
            model = model.believing(expected)
        acquisition = Acquisition(
            model,
            prior,
            self._features,
            self._feasibility(estimates, draw),
            worst=float(losses.max()),
            best=least,
            cost=self._costs(),
            thrift=THRIFT * (1.0 - spent(self._spec, number, self._trials.seconds, sum(o.running for o in table))),
        )
        candidates = np.concatenate([everywhere(draw, len(units.T)), around(draw, best, self._space)])
        scores = acquisition(candidates)
        for radius in (0.1, 0.05, 0.02):
            near = around(draw, candidates[[int(np.argmax(scores))]], self._space, radius)
            candidates = np.concatenate([candidates, near])
            scores = np.concatenate([scores, acquisition(near)])
        ordered = candidates[np.argsort(-scores, kind="stable")].tolist()
        configs = (self._space.from_unit(unit) for unit in ordered)
        found = next((config for config in configs if self._untried.has(config, number)), None)
        return self._new(ordered[0], number) if found is None else found

    def _feasibility(self, estimates: Estimates, draw: np.random.Generator) -> Feasibility | None:
        """None while no trial has failed or diverged."""
        bad = np.flatnonzero(self._trials.bad)
        if not len(bad):
            return None
        judged = np.concatenate([estimates.rows, bad])
        if len(judged) > VERDICTS:
            judged = np.sort(draw.choice(judged, VERDICTS, replace=False))
        columns, failed = self._features.encode(self._rows(judged)), self._trials.bad[judged]
        return Feasibility(columns[~failed], columns[failed])

    def _hyperparameters(self) -> Array:
        """Fitted to the first numbers of the sweep, their count growing in steps: the same for a rebuilt searcher."""
        numbers = Milestones(self._trials.losses, self._trials.order)
        count = numbers.reached
        if self._theta is None or self._theta[0] != count:
            kept = estimate(numbers.first()).subset(FITTED, np.random.default_rng((self._seed, count)))
            self._theta = count, hyperparameters(self._features.encode(self._rows(kept.rows)), *kept.standardized())
        return self._theta[1]

    def _costs(self) -> CostModel | None:
        """By the first numbers of the sweep, too; None while few are known.

        None, too, where one trial trains at a time: seconds differ from run to run, and there one seed is one sweep.
        """
        if self._spec.resources.max_concurrent == 1:
            return None
        numbers = Milestones(self._trials.seconds, self._trials.order)
        count = numbers.reached
        if self._cost[0] != count:
            logs = relative(numbers.first())
            known = np.flatnonzero(np.isfinite(logs))
            if len(known) > FITTED:
                known = np.sort(np.random.default_rng((self._seed, count)).choice(known, FITTED, replace=False))
            enough = len(known) >= COSTED
            self._cost = count, CostModel(self._features.encode(self._rows(known)), logs[known]) if enough else None
        return self._cost[1]

    def _rows(self, rows: NDArray[np.intp]) -> Array:
        """Unit coordinates of the trials in ``rows`` of the trials."""
        trials = [self._trials.observations[row] for row in rows]
        for observation in trials:
            if observation.trial not in self._units:
                self._units[observation.trial] = self._space.to_unit(observation.config)
        return self._features.units([self._units[o.trial] for o in trials])
