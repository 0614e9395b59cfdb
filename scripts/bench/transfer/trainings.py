"""The trainings of a config: in full, and by the first stage of its plan in each variant."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.transfer.setups import Setup
from trainables.data import Data
from trainables.errors import Diverged, TaskError
from trainables.loop.training import Training
from trainables.recipe import Recipe
from trainables.stages import Plan, Stage
from trainables.task import Task

FULL = "full"
AS_IS, SMALL, STEPS, TWICE = "as is", "batch × r^.5", "as many steps", "twice the data"
SMALL_SLOW, DECAY = "batch × r^.5, lr × r^.25", "weight decay / r"
VARIANTS = (AS_IS, SMALL, STEPS, TWICE, SMALL_SLOW, DECAY)
COARSE_SEEDS, FULL_SEEDS = (2, 3), (0, 1)
TWICE_IN_FULL = 10
"""So many configs are trained in full with both seeds, so that these can be compared; the others with one."""


@dataclass(frozen=True)
class Job:
    """One training: of the config with the number ``config``, in a variant or in full."""

    task: str
    config: int
    variant: str
    seed: int


def jobs(task: str, config: int) -> Iterator[Job]:
    """All of a config."""
    yield from (Job(task, config, FULL, seed) for seed in full_seeds(config))
    yield from (Job(task, config, variant, seed) for seed in COARSE_SEEDS for variant in VARIANTS)


def full_seeds(config: int) -> tuple[int, ...]:
    """The seeds of the full trainings of a config."""
    return FULL_SEEDS if config < TWICE_IN_FULL else FULL_SEEDS[:1]


def trained(setup: Setup, task: Task, data: Data, config: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """The metric after each epoch (None where it diverged), CPU seconds of each, and optimizer steps of all."""
    if job.variant == FULL:
        return _run(setup, task, data, dict(config), Plan(setup.plan.stages[-1:]), job.seed, 0)
    varied, first = variant(job.variant, config, setup.plan[0])
    return _run(setup, task, data, varied, Plan((first, *setup.plan.stages[1:])), job.seed, job.seed)


def variant(name: str, config: Mapping[str, Any], stage: Stage) -> tuple[dict[str, Any], Stage]:
    """The config and the first stage of a variant, r being the stage's fraction of the data."""
    r, changed = stage.data, dict(config)
    if name in (SMALL, SMALL_SLOW):
        changed["batch_size"] = max(1, round(config["batch_size"] * r**0.5))
    if name == SMALL_SLOW:
        changed["lr"] = config["lr"] * r**0.25
    if name == DECAY:
        changed["weight_decay"] = config["weight_decay"] / r
    if name == STEPS:
        stage = replace(stage, epochs=round(stage.epochs / r**0.5))
    if name == TWICE:
        stage = replace(stage, data=2 * r)
    return changed, stage


def _run(
    setup: Setup, task: Task, data: Data, config: dict[str, Any], plan: Plan, seed: int, data_seed: int
) -> dict[str, Any]:
    values: list[float | None] = []
    seconds: list[float] = []
    training = Training(task, data, config, plan, seed, data_seed)
    steps = Recipe.parse(config).steps(len(data.training_indices(plan[0], data_seed)))
    for _ in range(plan[0].epochs):
        began = time.process_time()
        try:
            values.append(round(training.run_epoch()[setup.metric], 6))
        except (Diverged, TaskError):
            values.append(None)
            break
        finally:
            seconds.append(round(time.process_time() - began, 4))
    return {"values": values, "seconds": seconds, "steps": steps * plan[0].epochs}
