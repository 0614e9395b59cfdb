"""Costs of stages: the seconds of each, extrapolated from a few timed batches, and peak memory."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from trainables.data import Data, length
from trainables.loop.feed import loader_of
from trainables.loop.training import VALIDATION_BATCH
from trainables.loop.validation import validated
from trainables.probe.corners import STEPS, VALIDATION, mini
from trainables.probe.evidence import CostEvidence
from trainables.probe.examples.sample import chosen, shortened
from trainables.probe.learning.first_steps import device, fresh
from trainables.probe.peak_memory import Peak
from trainables.recipe import Recipe
from trainables.stages import Plan
from trainables.task import Task

SLOW = 1.0
"""Seconds of a first validation from which it is not repeated to be timed after warm-up."""


def measure(
    task: Task,
    data: Data,
    config: Mapping[str, Any],
    plans: Sequence[Plan],
    data_seed: int,
    rows: int | None = None,
    validation: int = VALIDATION,
) -> CostEvidence:
    """Seconds of each stage with ``config``, and peak memory.

    ``rows`` is the most training examples that are timed, ``validation`` the most validation examples.
    """
    recipe = Recipe.parse(config)
    part = shortened(data, min(rows or STEPS * recipe.batch_size, STEPS * recipe.batch_size), validation)
    with Peak() as peak:
        training, _ = mini(task, part, config)
        training.run_epoch()  # The first one warms up caches and kernels.
        began = time.perf_counter()
        training.run_epoch()
        epoch = time.perf_counter() - began
    validating = _validation_rate(task, data, config, validation)
    training_rate = max(epoch - validating * length(part.validation), epoch / 10) / length(part.train)
    return CostEvidence(
        seconds=tuple(_stages(data, plan, data_seed, training_rate, validating) for plan in plans),
        peak_bytes=peak.bytes,
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    )


def scaled(first: float, plans: Sequence[Plan]) -> CostEvidence:
    """Seconds of each stage in proportion to its data, where one epoch of the first stage took ``first`` seconds."""
    full = first / plans[0][0].data
    seconds = tuple(tuple(full * stage.cost for stage in plan.stages) for plan in plans)
    return CostEvidence(seconds, 0, torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu")


@torch.no_grad()
def _validation_rate(task: Task, data: Data, config: Mapping[str, Any], most: int) -> float:
    """Seconds of validation per example."""
    model = fresh(task, config, device()).eval()
    examples = data.unpacked().validation
    order = chosen(length(examples), most, data.validation_labels)
    for _ in range(2):  # The first pass warms up.
        began = time.perf_counter()
        validated(task, model, loader_of(task).batches(examples, order, VALIDATION_BATCH, device()), config)
        seconds = time.perf_counter() - began
        if seconds > SLOW:
            break
    return seconds / len(order)


def _stages(data: Data, plan: Plan, seed: int, training: float, validating: float) -> tuple[float, ...]:
    return tuple(
        stage.epochs
        * (len(data.training_indices(stage, seed)) * training + len(data.validation_indices(stage, seed)) * validating)
        for stage in plan.stages
    )
