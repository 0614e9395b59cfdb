"""Ray Tune's BOHB: a kernel density estimator under Hyperband with pauses."""

from __future__ import annotations

from collections.abc import Hashable
from types import SimpleNamespace

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from ray.tune.schedulers.hb_bohb import HyperBandForBOHB
from ray.tune.search.bohb import TuneBOHB

from bench.peers.ray_tune import Named, domains
from bench.problems.problems import Problem
from bench.problems.space import Config
from bench.problems.world import Verdict, Work

_REDUCTION = 3


class Paused(Named):
    """All that the scheduler asks of a trial that can pause."""

    is_saving = False

    def __init__(self, trial_id: str, config: Config) -> None:
        super().__init__(trial_id)
        self.config, self.status = config, Trial.PENDING


class Bohb:
    """TuneBOHB and HyperBandForBOHB; the calls are those of Tune's controller, whose part this plays to them.

    The clock is a power of the reduction factor at each rung: with any other the scheduler, which rounds down,
    stops all but its last bracket short of the whole training.
    """

    every_level = True

    def __init__(self, problem: Problem, seed: int) -> None:
        self._clock = {level: _REDUCTION**position for position, level in enumerate(problem.rungs)}
        self._problem = problem
        self._searcher = TuneBOHB(domains(problem), metric="loss", mode="min", seed=seed)
        self._scheduler = HyperBandForBOHB(
            metric="loss", mode="min", max_t=max(self._clock.values()), reduction_factor=_REDUCTION
        )
        self._trials: dict[Hashable, Paused] = {}
        self.search_alg = SimpleNamespace(searcher=self._searcher)

    def get_trials(self) -> list[Paused]:
        """Asked for by the scheduler."""
        return list(self._trials.values())

    def stop_trial(self, trial: Paused) -> None:
        """Asked for by the scheduler, of a trial that is paused."""
        self._scheduler.on_trial_remove(self, trial)
        self._searcher.on_trial_complete(trial.trial_id)
        trial.status = Trial.TERMINATED

    def next(self) -> Work | None:
        trial = self._scheduler.choose_trial_to_run(self) or self._new()
        trial.status = Trial.RUNNING
        return Work(trial.trial_id, trial.config, self._problem.top)

    def _new(self) -> Paused:
        key = str(len(self._trials) + 1)
        trial = self._trials[key] = Paused(key, self._searcher.suggest(key))
        self._scheduler.on_trial_add(self, trial)
        return trial

    def report(self, key: Hashable, level: int, loss: float, seconds: float) -> Verdict:
        if level not in self._clock:
            return "continue"
        trial, result = self._trials[key], {"training_iteration": self._clock[level], "loss": loss}
        decision = self._scheduler.on_trial_result(self, trial, result)
        if decision == TrialScheduler.STOP:
            self._scheduler.on_trial_complete(self, trial, result)
            self._searcher.on_trial_complete(trial.trial_id, result)
            trial.status = Trial.TERMINATED
            return "stop"
        self._searcher.on_trial_result(trial.trial_id, result)
        if decision == TrialScheduler.PAUSE:
            trial.status = Trial.PAUSED
            return "pause"
        return "continue"


def bohb(problem: Problem, seed: int) -> Bohb:
    """BOHB (Falkner et al., 2018) as Tune has it."""
    return Bohb(problem, seed)
