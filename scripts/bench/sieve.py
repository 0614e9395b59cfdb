"""Sieve in the comparison: its own simulation of a sweep, with the problem's surrogate for learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bench.problems.space import Parameter
from bench.problems.world import Report, Setting, Trace
from service.engine.curves import Measurement
from service.engine.simulation.options import UNLIMITED, SimulationOptions
from service.engine.simulation.outcome import Simulation
from service.engine.simulation.simulate import simulate
from service.spec import Spec, load
from trainables.stages import Stage

if TYPE_CHECKING:
    from bench.problems.problems import Problem  # needs onnxruntime, which another source of curves does not

DEFAULTS = "auto"
REDUCTION = 3
"""Of schedules that are named: the rungs are a factor of three apart, and peers are given the same."""

_METRIC = "loss"
_RETRIES = 1_000_000  # a peer's lost level is repeated until it succeeds


def run(problem: Problem, setting: Setting, algorithm: str, schedule: str) -> Trace:
    """One sweep of as many trials as the time allows; ``auto`` for either leaves that section of the spec out.

    Decisions cost wall seconds, which for one thread are no less than those of the CPU. Raises SpecError for an
    algorithm or a schedule that Sieve has not.
    """
    options = SimulationOptions(
        workers=setting.workers,
        crash_rate=setting.crashes,
        stragglers=setting.stragglers,
        seed=setting.seed,
        trials=UNLIMITED,
        budget_seconds=setting.seconds,
    )
    return _trace(problem, simulate(spec(problem, algorithm, schedule), Surrogates(problem), options))


def spec(problem: Problem, algorithm: str, schedule: str) -> Spec:
    """The sweep that a person would write for ``problem``: a stage for each rung."""
    document: dict[str, Any] = {
        "name": "bench",
        "task": "bench:Surrogate",
        "metric": {"name": _METRIC, "goal": "minimize"},
        "parameters": {parameter.name: _domain(problem, parameter) for parameter in problem.space.parameters},
        "stages": _stages(problem),
        "retries": _RETRIES,
    }
    if algorithm != DEFAULTS:
        document["search"] = {"algorithm": algorithm}
    if schedule != DEFAULTS:
        document["schedule"] = {"algorithm": schedule, "reduction_factor": REDUCTION}
    return load(document)


@dataclass(frozen=True)
class Surrogates:
    """The problem's curves, epoch by epoch as training would report them; every config has one."""

    problem: Problem
    configs: None = None
    notes: tuple[str, ...] = ()

    def epoch(self, config: Mapping[str, Any], stage: Stage, epoch: int) -> Measurement:
        """See `service.engine.curves.Curves`."""
        losses, seconds = self.problem.curve(config)
        level = _level(self.problem, stage.data, epoch)
        before = seconds[level - 1] if self.problem.resumable and level else 0.0
        return Measurement({_METRIC: losses[level]}, seconds[level] - before)


def _level(problem: Problem, data: float, epoch: int) -> int:
    """The position of the level that training ends with ``epoch`` on the fraction ``data``."""
    return problem.levels.index(epoch if problem.resumable else data)


def _stages(problem: Problem) -> list[dict[str, Any]]:
    ends = [problem.levels[rung] for rung in problem.rungs]
    if problem.resumable:
        return [{"data": 1.0, "epochs": int(end - begin)} for begin, end in pairwise((0, *ends))]
    return [{"data": share, "epochs": 1, "start": "fresh"} for share in ends]


def _domain(problem: Problem, parameter: Parameter) -> dict[str, Any]:
    conditions = problem.space.conditions.get(parameter.name, ())
    when = {"when": {condition.parent: list(condition.values) for condition in conditions}} if conditions else {}
    return _sampler(parameter) | when


def _sampler(parameter: Parameter) -> dict[str, Any]:
    """Integers exclude their upper bound, as Ray Tune's do."""
    if parameter.kind == "category":
        return {"choice": list(parameter.choices)}
    scale = "log" if parameter.log else ""
    if parameter.kind == "int":
        return {f"{scale}randint": [int(parameter.lower), int(parameter.upper) + 1]}
    return {f"{scale}uniform": [parameter.lower, parameter.upper]}


def _trace(problem: Problem, simulation: Simulation) -> Trace:
    full = {trial.number: problem.curve(trial.config).losses[-1] for trial in simulation.trials}
    reports = [
        Report(report.time, _level(problem, report.data, report.epoch), report.metrics[_METRIC], full[report.trial])
        for report in simulation.reports
    ]
    costs = [seconds for kind in simulation.latencies.values() for seconds in kind]
    promoted = sum(decision.verdict == "promote" for decision in simulation.decisions)
    return Trace(reports, len(simulation.trials) + promoted, costs, costs)
