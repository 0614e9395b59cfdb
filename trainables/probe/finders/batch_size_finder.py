"""Batch size finder: speed and peak memory of growing batches (Lightning: ``BatchSizeFinder``)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from trainables.data import Data, length
from trainables.probe.clock import Clock
from trainables.probe.corners import failure_of
from trainables.probe.evidence import BatchEvidence, Question
from trainables.probe.examples.sample import batch
from trainables.probe.learning.first_steps import device, fresh, loss_of
from trainables.probe.measure import own
from trainables.probe.peak_memory import Peak
from trainables.recipe import Recipe
from trainables.task import Task, TaskError

SMALLEST, LARGEST = 8, 65536
ENOUGH = 0.3
"""Seconds for which a batch size is timed; three steps at least."""
GAIN = 1.05
"""Factor of speed below which a larger batch gains nothing; after two in a row no larger one is tried."""


def batch_sizes(question: Question, data: Data | None) -> tuple[BatchEvidence, ...]:
    """Double the batch of the middle config until memory or examples run out, or nothing is gained.

    Raises:
        TaskError: the task has a loop of its own, or cannot be trained.
    """
    task, data = own(question, data, "the search for a batch size")
    config, clock = question.given.config, Clock(question.seconds)
    # What torch loads for an optimizer must not count as memory of a batch.
    Recipe.parse(config).build_optimizer(fresh(task, config, device()))
    found: list[BatchEvidence] = []
    size, best, idle = SMALLEST, 0.0, 0
    while size <= min(LARGEST, length(data.train)) and idle < 2 and not clock.over:
        found.append(_timed(task, data, config, size))
        rate = found[-1].rate
        if rate is None:
            break
        idle = 0 if rate > best * GAIN else idle + 1
        best, size = max(best, rate), 2 * size
    return tuple(found)


def _timed(task: Task, data: Data, config: Mapping[str, Any], size: int) -> BatchEvidence:
    """Examples per second of the step: feeding, forward, backward, optimizer."""
    on = device()
    order = np.arange(size, dtype=np.int64)
    with Peak() as peak:
        try:
            model = fresh(task, config, on).train()
            optimizer = Recipe.parse(config).build_optimizer(model)
            steps, began = -1, time.perf_counter()  # The first step warms up.
            while steps < 3 or time.perf_counter() - began < ENOUGH:
                loss = loss_of(task, model, batch(task, data.train, order, on), config)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                float(loss.detach())  # Waits for the device.
                steps += 1
                began = time.perf_counter() if steps == 0 else began
        except TaskError:
            raise
        except Exception as error:
            failure = failure_of(error)
            if failure.kind != "memory":
                raise TaskError(f"a batch of {size}: {failure}", "correct the task") from error
            return BatchEvidence(size, None, None)
        seconds = time.perf_counter() - began
    return BatchEvidence(size, steps * size / seconds, peak.bytes)
