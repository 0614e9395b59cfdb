"""SMAC3's multi-fidelity facade: a random forest under Hyperband."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable
from pathlib import Path

from smac import MultiFidelityFacade, Scenario
from smac.runhistory.dataclasses import TrialInfo, TrialValue

from bench.peers.configspace import level, space
from bench.problems.problems import Problem
from bench.problems.world import Verdict, Work

_TRIALS = 100_000  # more than any run reaches


class Facade:
    """The facade driven by ask and tell; a config that is promoted goes on from where it is, where training resumes."""

    every_level = False

    def __init__(self, problem: Problem, seed: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        scenario = Scenario(
            space(problem, seed),
            deterministic=True,
            n_trials=_TRIALS,
            min_budget=problem.resources[0],
            max_budget=problem.resources[-1],
            seed=seed,
            output_directory=Path(self._folder.name),
        )
        intensifier = MultiFidelityFacade.get_intensifier(scenario, incumbent_selection="highest_budget")
        self._smac = MultiFidelityFacade(
            scenario, lambda config, seed, budget: 0.0, intensifier=intensifier, overwrite=True, logging_level=False
        )
        self._problem = problem
        self._asked: dict[tuple[Hashable, int], TrialInfo] = {}

    def next(self) -> Work | None:
        info = self._smac.ask()
        if info is None:
            return None
        config = dict(info.config)
        work = Work(tuple(sorted(config.items())), config, level(self._problem, info.budget))
        self._asked[work.key, work.level] = info
        return work

    def report(self, key: Hashable, level: int, loss: float, seconds: float) -> Verdict:
        self._smac.tell(self._asked.pop((key, level)), TrialValue(cost=loss, time=seconds))
        return "pause"


def multi_fidelity(problem: Problem, seed: int) -> Facade:
    """SMAC3 (Lindauer et al., 2022)."""
    return Facade(problem, seed)
