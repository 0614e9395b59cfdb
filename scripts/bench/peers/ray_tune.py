"""Ray Tune: random search, HyperOpt, and both under its asynchronous successive halving (ASHA, stopping)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from ray import tune
from ray.tune.schedulers import AsyncHyperBandScheduler
from ray.tune.search import Searcher
from ray.tune.search.hyperopt import HyperOptSearch

from bench.problems.problems import Problem
from bench.problems.space import Parameter
from bench.problems.world import Verdict, Work

_REDUCTION = 3


class Named:
    """All that the schedulers ask of a trial: its name."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id


def domains(problem: Problem) -> dict[str, Any]:
    """The problem's space in Tune's samplers; all parameters are sampled, those that do not count are then ignored."""
    return {parameter.name: _domain(parameter) for parameter in problem.space.parameters}


def _domain(parameter: Parameter) -> Any:
    if parameter.kind == "category":
        return tune.choice(list(parameter.choices))
    if parameter.kind == "int":
        sampler = tune.lograndint if parameter.log else tune.randint
        return sampler(int(parameter.lower), int(parameter.upper) + 1)
    return (tune.loguniform if parameter.log else tune.uniform)(parameter.lower, parameter.upper)


class Sampler(Searcher):
    """Tune's samplers drawn at random, as its default searcher draws them."""

    def __init__(self, space: Mapping[str, Any], seed: int) -> None:
        super().__init__(metric="loss", mode="min")
        self._space, self._rng = space, np.random.default_rng(seed)

    def suggest(self, trial_id: str) -> dict[str, Any]:
        return {name: domain.sample(random_state=self._rng) for name, domain in self._space.items()}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        pass


class Tune:
    """A searcher of Tune under a scheduler of Tune, or without one; the calls are those that its controller makes."""

    def __init__(self, problem: Problem, searcher: Searcher, scheduler: AsyncHyperBandScheduler | None) -> None:
        self.every_level = scheduler is not None
        self._problem, self._searcher, self._scheduler = problem, searcher, scheduler
        self._started = 0

    def next(self) -> Work | None:
        key = str(self._started + 1)
        config = self._searcher.suggest(key)
        if config is None:
            return None
        self._started += 1
        if self._scheduler is not None:
            self._scheduler.on_trial_add(None, Named(key))
        return Work(key, config, self._problem.top)

    def report(self, key: Hashable, level: int, loss: float, seconds: float) -> Verdict:
        trial = Named(str(key))
        result = {"training_iteration": self._problem.resources[level], "loss": loss}
        if self._scheduler is None:
            self._searcher.on_trial_complete(trial.trial_id, result)
            return "stop"
        if self._scheduler.on_trial_result(None, trial, result) == AsyncHyperBandScheduler.CONTINUE:
            self._searcher.on_trial_result(trial.trial_id, result)
            return "continue"
        self._scheduler.on_trial_complete(None, trial, result)
        self._searcher.on_trial_complete(trial.trial_id, result)
        return "stop"


def _hyperopt(problem: Problem, seed: int) -> Searcher:
    return HyperOptSearch(domains(problem), metric="loss", mode="min", random_state_seed=seed)


def _asha(problem: Problem) -> AsyncHyperBandScheduler:
    return AsyncHyperBandScheduler(
        metric="loss",
        mode="min",
        max_t=problem.resources[-1],
        grace_period=problem.resources[0],
        reduction_factor=_REDUCTION,
    )


def random(problem: Problem, seed: int) -> Tune:
    """Random search, every config trained to the end (Bergstra and Bengio, 2012)."""
    return Tune(problem, Sampler(domains(problem), seed), None)


def asha(problem: Problem, seed: int) -> Tune:
    """Random search under ASHA (Li et al., 2020), in Tune's form, which stops and never promotes."""
    return Tune(problem, Sampler(domains(problem), seed), _asha(problem))


def hyperopt(problem: Problem, seed: int) -> Tune:
    """HyperOpt's TPE (Bergstra et al., 2011), every config trained to the end."""
    return Tune(problem, _hyperopt(problem, seed), None)


def asha_hyperopt(problem: Problem, seed: int) -> Tune:
    """HyperOpt's TPE under ASHA."""
    return Tune(problem, _hyperopt(problem, seed), _asha(problem))
