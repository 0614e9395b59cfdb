"""Learning rate range test (Smith, 2017; Lightning: ``lr_find``): the loss while lr rises exponentially."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from trainables.data import Data, length
from trainables.loader import AnyBatch
from trainables.loop.feed import loader_of
from trainables.loop.seeding import seed_all
from trainables.probe.clock import Clock
from trainables.probe.evidence import Question, Ramp
from trainables.probe.learning.first_steps import device, fresh, loss_of
from trainables.probe.measure import own
from trainables.recipe import Recipe
from trainables.task import Task

LOWEST, HIGHEST, STEPS = 1e-7, 10.0, 140
MEMORY = 0.9
"""Decay of the exponential moving average of the loss, with bias correction (Kingma & Ba, 2015)."""
CLIMBED = 4.0
"""The test ends once the smoothed loss is above its minimum by so many times the minimum."""


def ramp(question: Question, data: Data | None) -> Ramp:
    """The range test of the config in the middle: `STEPS` steps with rising lr, each on another batch.

    Raises:
        TaskError: the task has a loop of its own, or cannot be trained.
    """
    task, data = own(question, data, "the ramp")
    config = question.given.config
    recipe, on, clock = Recipe.parse(config), device(), Clock(question.seconds)
    model = fresh(task, config, on).train()
    optimizer = recipe.build_optimizer(model)
    rates, losses, smoothed = [], [], []
    average, lowest = 0.0, math.inf
    for step, batch in zip(range(STEPS), _endless(task, data, recipe.batch_size, on), strict=False):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of(task, model, batch, config)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            break
        average = MEMORY * average + (1 - MEMORY) * value
        rates.append(rate)
        losses.append(value)
        smoothed.append(average / (1 - MEMORY ** (step + 1)))
        lowest = min(lowest, smoothed[-1])
        if clock.over or smoothed[-1] - lowest > CLIMBED * abs(lowest):
            break
    return Ramp(tuple(rates), tuple(losses), tuple(smoothed), clock.over)


def _endless(task: Task, data: Data, size: int, on: torch.device) -> Iterator[AnyBatch]:
    """Batches of the training examples without end, shuffled for each pass."""
    draws, loader = seed_all(0, 1), loader_of(task)
    while True:
        yield from loader.batches(data.train, draws.permutation(length(data.train)), size, on)
