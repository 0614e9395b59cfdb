"""How far the trials of a sweep climb where nothing is known of its task: the mean of a few typical simulations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Any

from service.engine.curves import Measurement
from service.engine.simulation.options import SimulationOptions
from service.engine.simulation.simulate import simulate
from service.spec import Spec, load
from service.spec.stage_plan.steps import BATCH_SIZE, batches
from trainables.stages import Plan, Stage

AGREEMENT = 0.8
"""Rank correlation of every stage with a trial's quality: what the policy believes of a stage before it is seen."""

RUNS = 5
MOST_TRIALS = 200
"""Of more trials the same shares are taken to climb."""

WORKERS = 4
SECONDS = 100.0
"""Of a full-data epoch: so long that the clock does not count."""


@dataclass(frozen=True)
class Climb:
    """Of the trials of one round, on average: how many begin each stage, and how many whole stages are trained."""

    reaching: tuple[float, ...]
    trained: tuple[float, ...]


@dataclass(frozen=True)
class _Typical:
    """Curves of trials whose values at each stage agree with their quality, and never cross within a stage."""

    plan: Plan
    configs: None = None
    notes: tuple[str, ...] = ()

    def epoch(self, config: Mapping[str, Any], stage: Stage, epoch: int) -> Measurement:
        level = _normal(config["quality"]) * AGREEMENT
        noise = _normal(config[f"noise{self.plan.stages.index(stage)}"]) * (1.0 - AGREEMENT**2) ** 0.5
        return Measurement({"value": level + noise + epoch}, SECONDS * stage.data)


def climb(spec: Spec, trials: int) -> Climb:
    """How far ``trials`` trials climb in the round that ``spec`` describes, by its stages and its scheduler alone."""
    simulated = min(trials, MOST_TRIALS)
    runs = list(_runs(spec, simulated))
    stages = range(len(spec.plan))
    scale = trials / simulated
    return Climb(
        tuple(scale * fmean(run.reaching[stage] for run in runs) for stage in stages),
        tuple(scale * fmean(run.trained[stage] for run in runs) for stage in stages),
    )


def _runs(spec: Spec, trials: int) -> Iterator[Climb]:
    curves = _Typical(spec.plan)
    for seed in range(RUNS):
        reports = simulate(_stand_in(spec, trials, seed), curves, SimulationOptions(workers=WORKERS)).reports
        epochs = [sum(report.stage == stage for report in reports) for stage in range(len(spec.plan))]
        begun = [len({report.trial for report in reports if report.stage == stage}) for stage in range(len(spec.plan))]
        trained = (count / stage.epochs for count, stage in zip(epochs, spec.plan.stages, strict=True))
        yield Climb(tuple(map(float, begun)), tuple(trained))


def _stand_in(spec: Spec, trials: int, seed: int) -> Spec:
    """A spec with the stages and the scheduler of ``spec`` over a space of its own."""
    raw = spec.to_dict()
    noise: dict[str, Any] = {f"noise{stage}": {"uniform": [0, 1]} for stage in range(len(spec.plan))}
    if (sizes := batches(spec.space)) is not None:
        noise[BATCH_SIZE] = sizes.median  # By the steps that it makes the first rung may keep more.
    return load(
        {
            "name": spec.name,
            "task": spec.task,
            "metric": {"name": "value", "goal": "maximize"},
            "parameters": {"quality": {"uniform": [0, 1]}, **noise},
            "stages": raw["stages"],
            "schedule": raw["schedule"],
            "facts": raw["facts"],
            "search": {"algorithm": "random", "trials": trials, "seed": seed},
        }
    )


def _normal(unit: float) -> float:
    return NormalDist().inv_cdf(min(max(unit, 1e-9), 1.0 - 1e-9))
