"""Tree-structured Parzen estimators (Bergstra et al. 2011) by hyperopt, learning from trials of every stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hyperopt import Domain, Trials, hp, tpe
from hyperopt.base import JOB_STATE_DONE, STATUS_OK

from service.policy.observation import Observation, ranking
from service.spec.parameter import Parameter
from service.spec.space import Space

STARTUP = 8
"""Fewest trials to learn from, or the space's dimension plus one where that is more; before, it draws at random."""

GAMMA = 1.0
"""The best ``GAMMA * sqrt(n)`` of n trials count as good. hyperopt's 0.25 means 2 of 60, too few to learn from when
most trials are stopped early: on a test function of six parameters trials 41 to 60 were three times as far off."""


class HyperoptSearcher:
    """TPE over the unit cube: a scale (log, int, quantized) is the space's business, only categories stay categories.

    TPE splits trials into good and bad by their order alone, so it learns from the `ranking` over all stages: every
    trial that ended a stage counts, stopped or not. Inactive conditional parameters are left out of the estimators of
    the trials that lack them.
    """

    def __init__(self, space: Space, goal: str, seed: int) -> None:
        self._space = space
        self._goal = goal
        self._seed = seed
        self._startup = max(STARTUP, space.dimension + 1)
        self._domain = Domain(lambda _: 0.0, {p.name: _prior(p) for p in space.parameters})

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        trials = Trials()
        trials.insert_trial_docs([self._doc(o, rank) for rank, o in enumerate(ranking(table, self._goal))])
        trials.refresh()
        seed = int(np.random.default_rng((self._seed, number)).integers(2**31 - 1))
        [doc] = tpe.suggest(
            [number], self._domain, trials, seed, n_startup_jobs=self._startup, gamma=GAMMA, verbose=False
        )
        values = doc["misc"]["vals"]
        return self._space.from_unit([_coordinate(p, values[p.name][0]) for p in self._space.parameters])

    def _doc(self, observation: Observation, rank: int) -> dict[str, Any]:
        units = self._space.to_unit(observation.config)
        active = {p.name: _value(p, u) for p, u in zip(self._space.parameters, units, strict=True) if u is not None}
        number = observation.trial
        return {
            "tid": number,
            "state": JOB_STATE_DONE,
            "spec": None,
            "result": {"loss": float(rank), "status": STATUS_OK},
            "misc": {
                "tid": number,
                "cmd": self._domain.cmd,
                "workdir": None,
                "idxs": {p.name: [number] if p.name in active else [] for p in self._space.parameters},
                "vals": {p.name: [active[p.name]] if p.name in active else [] for p in self._space.parameters},
            },
            "exp_key": None,
            "owner": None,
            "version": 0,
            "book_time": None,
            "refresh_time": None,
        }


def _is_category(parameter: Parameter) -> bool:
    return parameter.kind in ("choice", "grid_search")


def _prior(parameter: Parameter) -> Any:
    if _is_category(parameter):
        return hp.choice(parameter.name, list(range(len(parameter.args))))
    return hp.uniform(parameter.name, 0.0, 1.0)


def _value(parameter: Parameter, unit: float) -> float | int:
    return min(int(unit * len(parameter.args)), len(parameter.args) - 1) if _is_category(parameter) else unit


def _coordinate(parameter: Parameter, value: float | int) -> float:
    return (int(value) + 0.5) / len(parameter.args) if _is_category(parameter) else float(value)
