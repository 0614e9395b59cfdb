"""Optuna: its tree-structured Parzen estimator under its Hyperband and successive-halving pruners."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import optuna

from bench.problems.problems import Problem
from bench.problems.space import Config
from bench.problems.world import Verdict, Work

_REDUCTION = 3


class Study:
    """A study driven by ask, report, should_prune and tell; parameters that do not count are not suggested."""

    every_level = True

    def __init__(self, problem: Problem, pruner: optuna.pruners.BasePruner, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
        # Hyperband picks brackets by the name of the study, which is random unless given.
        self._study = optuna.create_study(
            direction="minimize", sampler=sampler, pruner=pruner, study_name=f"seed {seed}"
        )
        self._problem = problem
        self._trials: dict[Hashable, optuna.Trial] = {}

    def next(self) -> Work | None:
        trial = self._study.ask()
        self._trials[trial.number] = trial
        return Work(trial.number, self._suggest(trial), self._problem.top)

    def _suggest(self, trial: optuna.Trial) -> Config:
        config: Config = {}
        for parameter in self._problem.space.parameters:
            name, low, high = parameter.name, parameter.lower, parameter.upper
            if not self._problem.space.counts(name, config):
                continue
            value: Any
            if parameter.kind == "category":
                value = trial.suggest_categorical(name, parameter.choices)
            elif parameter.kind == "int":
                value = trial.suggest_int(name, int(low), int(high), log=parameter.log)
            else:
                value = trial.suggest_float(name, low, high, log=parameter.log)
            config[name] = value
        return config

    def report(self, key: Hashable, level: int, loss: float, seconds: float) -> Verdict:
        trial = self._trials[key]
        trial.report(loss, self._problem.resources[level])
        if level == self._problem.top:
            self._study.tell(trial, loss)
            return "stop"
        if trial.should_prune():
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return "stop"
        return "continue"


def hyperband(problem: Problem, seed: int) -> Study:
    """TPE (Bergstra et al., 2011; multivariate, Falkner et al., 2018) under Hyperband (Li et al., 2018)."""
    first, last = problem.resources[0], problem.resources[-1]
    return Study(problem, optuna.pruners.HyperbandPruner(first, last, _REDUCTION), seed)


def asha(problem: Problem, seed: int) -> Study:
    """TPE under asynchronous successive halving (Li et al., 2020)."""
    return Study(problem, optuna.pruners.SuccessiveHalvingPruner(problem.resources[0], _REDUCTION), seed)
