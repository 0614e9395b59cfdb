"""Syne Tune 0.13: asynchronous successive halving that promotes, and its model-based forms MOBSTER and Hyper-Tune."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Hashable
from typing import Any

from syne_tune import config_space
from syne_tune.backend.trial_status import Trial
from syne_tune.optimizer import baselines
from syne_tune.optimizer.scheduler import SchedulerDecision

from bench.problems.problems import Problem
from bench.problems.space import Parameter
from bench.problems.world import Verdict, Work

_REDUCTION = 3


class Scheduler:
    """A scheduler of Syne Tune; the calls are those that its Tuner makes.

    Its resource counts levels from 1, as its models want resources without gaps.
    """

    every_level = True

    def __init__(self, problem: Problem, name: str, seed: int, options: dict[str, Any]) -> None:
        logging.getLogger("syne_tune").setLevel(logging.ERROR)
        space = {parameter.name: _domain(parameter) for parameter in problem.space.parameters}
        if problem.resumable:
            rungs: dict[str, Any] = {"grace_period": 1, "reduction_factor": _REDUCTION}
        else:
            rungs = {"rung_levels": [rung + 1 for rung in problem.rungs[:-1]]}
        self._scheduler = getattr(baselines, name)(
            space,
            metric="loss",
            mode="min",
            resource_attr="level",
            max_t=problem.top + 1,
            random_seed=seed,
            type="promotion",
            **rungs,
            **options,
        )
        self._problem = problem
        self._trials: dict[Hashable, Trial] = {}

    def next(self) -> Work | None:
        suggestion = self._scheduler.suggest(len(self._trials))
        if suggestion is None:
            return None
        if suggestion.spawn_new_trial_id:
            key = len(self._trials)
            self._trials[key] = Trial(key, suggestion.config, datetime.datetime.now())
            self._scheduler.on_trial_add(self._trials[key])
        else:
            key = suggestion.checkpoint_trial_id
            if suggestion.config is not None:
                self._trials[key] = Trial(key, suggestion.config, self._trials[key].creation_time)
        config = self._trials[key].config
        wanted = {parameter.name: config[parameter.name] for parameter in self._problem.space.parameters}
        return Work(key, wanted, self._problem.top)

    def report(self, key: Hashable, level: int, loss: float, seconds: float) -> Verdict:
        trial, result = self._trials[key], {"loss": loss, "level": level + 1}
        decision = self._scheduler.on_trial_result(trial, result)
        if decision == SchedulerDecision.CONTINUE:
            if level < self._problem.top:
                return "continue"
            self._scheduler.on_trial_complete(trial, result)
            return "stop"
        self._scheduler.on_trial_remove(trial)
        return "pause" if decision == SchedulerDecision.PAUSE else "stop"


def _domain(parameter: Parameter) -> Any:
    if parameter.kind == "category":
        return config_space.choice(list(parameter.choices))
    if parameter.kind == "int":
        sampler = config_space.lograndint if parameter.log else config_space.randint
        return sampler(int(parameter.lower), int(parameter.upper))
    return (config_space.loguniform if parameter.log else config_space.uniform)(parameter.lower, parameter.upper)


def asha(problem: Problem, seed: int) -> Scheduler:
    """ASHA that pauses and promotes (Li et al., 2020)."""
    return Scheduler(problem, "ASHA", seed, {})


def mobster(problem: Problem, seed: int) -> Scheduler:
    """MOBSTER: a Gaussian process over configs and resources (Klein et al., 2020)."""
    return Scheduler(problem, "MOBSTER", seed, {"search_options": {"debug_log": False}})


def hypertune(problem: Problem, seed: int) -> Scheduler:
    """Hyper-Tune: several brackets, an ensemble of Gaussian processes (Li et al., 2022)."""
    return Scheduler(problem, "HyperTune", seed, {"search_options": {"debug_log": False}})
