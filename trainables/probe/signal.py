"""Permutation test (Ojala & Garriga, 2010) of a briefly trained model: its metric against that of shuffled targets."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainables.data import Data, length
from trainables.datasets.nested import TARGETS, mapped, parted
from trainables.loader import AnyBatch, Collated, size_of, whole
from trainables.probe.clock import Clock
from trainables.probe.corners import mini
from trainables.probe.evidence import Signal
from trainables.probe.examples.sample import batch, chosen, shortened
from trainables.probe.learning.first_steps import device, fresh, reported
from trainables.task import Task

EXAMPLES, ASKED = 2000, 500
"""Most training examples, and examples of either split that the metric is computed on."""
DRAWS, FEWEST = 16, 4


def measure(
    task: Task,
    data: Data,
    config: Mapping[str, Any],
    metric: str,
    patience: float,
    rows: int,
    asked: int = ASKED,
) -> Signal | None:
    """Train for a few short epochs, for ``patience`` seconds on ``rows`` examples, and test for as long again.

    The metric is computed on ``asked`` examples of either split. Targets, the last element of a batch, or in a dict
    that of such a name, are shuffled among the examples `DRAWS` times: a metric that stays the same does not depend on
    the inputs. None if the metric is not one of ``task.metrics``, or it cannot be told what the targets are.

    Raises:
        TimeoutError: computing the metric takes too long for a comparison.
    """
    name = metric.removeprefix("val_")
    part = shortened(data, min(rows, EXAMPLES), asked).unpacked()
    clock = Clock(patience)
    training, epochs = mini(task, part, config)
    for _ in range(epochs):
        if name not in {key.removeprefix("val_") for key in training.run_epoch()}:
            return None
        if clock.over:
            break
    model = fresh(task, config, device())
    model.load_state_dict(training.state()["model"])
    with torch.no_grad():
        began = time.perf_counter()
        examples = batch(task, part.validation, chosen(length(part.validation), asked), device())
        reported(task, model.eval(), examples, config)
        if 2 * FEWEST * (time.perf_counter() - began) > patience:
            raise TimeoutError(f"{metric} takes too long to be compared with itself")
        seen, held_out = (
            _against_drawn(task, model, batch(task, examples, order, device()), config, name, patience / 2)
            for examples, order in (
                (part.train, chosen(length(part.train), asked, part.labels)),
                (part.validation, chosen(length(part.validation), asked)),
            )
        )
    return None if seen is None or held_out is None else Signal(*seen, *held_out)


def _against_drawn(
    task: Task, model: nn.Module, examples: AnyBatch, config: Mapping[str, Any], name: str, patience: float
) -> tuple[float, float, float] | None:
    _, target = parted(whole(examples))
    if not isinstance(target, Tensor) or target.ndim == 0 or len(target) != size_of(examples):
        return None
    values, clock = [], Clock(patience)
    for draw in range(1 + DRAWS):
        if clock.over and draw > FEWEST:
            break
        shuffled = np.random.default_rng(draw).permutation(len(target)) if draw else np.arange(len(target))
        metrics = reported(task, model, _drawn(examples, target[torch.from_numpy(shuffled)]), config)
        if name not in metrics:
            return None
        values.append(metrics[name])
    return values[0], statistics.fmean(values[1:]), statistics.pstdev(values[1:])


def _drawn(examples: AnyBatch, target: Tensor) -> AnyBatch:
    """A copy of the batch, which a task may change in place, with other targets."""
    given = mapped(whole(examples), Tensor.clone)
    if isinstance(given, Mapping):
        made: Any = {**given, next(key for key in TARGETS if key in given): target}
    elif hasattr(given, "_fields"):
        made = type(given)(*given[:-1], target)
    else:
        made = (*given[:-1], target)
    return Collated((made,), (size_of(examples),))
