"""Probe of configs at the corners of a space: whether they build, and whether they train for some steps."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import torch

from trainables.data import Data, length
from trainables.errors import TrialError, told
from trainables.loop import gpu_memory
from trainables.loop.training import Training
from trainables.probe.evidence import Corner, CornerEvidence, ProbeFailure
from trainables.probe.examples.sample import shortened
from trainables.probe.learning.first_steps import fresh
from trainables.probe.peak_memory import Peak
from trainables.recipe import Recipe
from trainables.stages import Plan, Stage
from trainables.task import Task
from trainables.worker import outcome

STEPS, EPOCHS, VALIDATION = 8, 5, 256
"""Steps per epoch and epochs of a corner, if its time allows, and examples that it validates on."""
FEWEST = 32
CPU = torch.device("cpu")


def sketch(task: Task, corner: Corner, plan: Plan, examples: tuple[int, ...]) -> CornerEvidence:
    """Build the model on the CPU, and the schedule over the whole plan; ``examples`` are those of each stage.

    Without a warm-up no schedule is built, as none can fail and torch would import its compiler, which takes seconds.
    """
    try:
        recipe = Recipe.parse(corner.config)
        model = fresh(task, corner.config, CPU)
        if "warmup" not in corner.config:
            return CornerEvidence(corner.name)
        for stages in plan.climbs:
            recipe.check_warmup([plan[stage].epochs for stage in stages])
            epochs = [recipe.steps(examples[stage]) for stage in stages for _ in range(plan[stage].epochs)]
            recipe.build_schedule(recipe.build_optimizer(model), epochs)
    except Exception as error:
        return CornerEvidence(corner.name, failure_of(error))
    return CornerEvidence(corner.name)


def build(task: Task, data: Data, corner: Corner, plan: Plan, data_seed: int) -> CornerEvidence:
    """Build model, optimizer and schedule of a trial for the whole plan."""
    try:
        Training(task, data, corner.config, plan, 0, data_seed)
    except Exception as error:
        return CornerEvidence(corner.name, failure_of(error))
    return CornerEvidence(corner.name)


def train(
    task: Task,
    data: Data,
    corner: Corner,
    metric: str,
    seconds: float,
    rate: float,
    enough: int = 0,
) -> CornerEvidence:
    """Train the corner with Sieve's own loop on a few batches for about ``seconds``.

    ``rate`` is the estimated time of an example in seconds: slow models get fewer examples, but at least the ``enough``
    validation examples that the metrics need.
    """
    steps, losses, metrics = 0, [], {}
    spent = 0.0
    with Peak() as peak:
        try:
            recipe = Recipe.parse(corner.config)
            rows = min(STEPS * recipe.batch_size, max(FEWEST, int(seconds / max(rate, 1e-9))))
            part = shortened(data, rows, max(min(rows, VALIDATION), enough))
            training, epochs = mini(task, part, corner.config)
            began = time.perf_counter()
            for _ in range(epochs):
                before = time.perf_counter()
                metrics = training.run_epoch()
                spent = time.perf_counter() - before
                steps += recipe.steps(length(part.train))
                losses.append(metrics["train_loss"])
                if time.perf_counter() - began > seconds or not all(map(math.isfinite, losses)):
                    break
        except Exception as error:
            return CornerEvidence(corner.name, failure_of(error), steps)
    return CornerEvidence(
        name=corner.name,
        steps=steps,
        first=losses[0],
        last=losses[-1],
        rate=spent / length(part.train),
        value=metrics.get(metric),
        peak_bytes=peak.bytes,
    )


def failure_of(error: Exception) -> ProbeFailure:
    """``error`` as a failure of a trial, with its kind."""
    if gpu_memory.exhausted(error):
        return ProbeFailure("memory", str(error).split("\n")[0])
    if isinstance(error, TrialError):
        return ProbeFailure(outcome.kind_of(error), error.message, error.cure)
    return ProbeFailure("error", told(error))


def mini(task: Task, data: Data, config: Mapping[str, Any]) -> tuple[Training, int]:
    """A run of Sieve's own loop over all of ``data``, and its number of epochs: `EPOCHS` after those of the warm-up."""
    warmup = Recipe.parse(config).warmup
    epochs = EPOCHS + (math.ceil(warmup) if warmup >= 1 else 0)
    return Training(task, data, config, Plan((Stage(1.0, epochs),)), seed=0), epochs
