"""Probe of a sweep's parameters: whether their values reach training, by runs of one seed on the same batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from trainables.data import Data
from trainables.loop.feed import TIMINGS
from trainables.probe.clock import Clock
from trainables.probe.corners import FEWEST, mini
from trainables.probe.evidence import Reach, Swept
from trainables.probe.examples.sample import shortened
from trainables.recipe.keys import KEYS
from trainables.task import Task

EPOCHS, BATCH = 2, 16
"""A run is so many epochs on `trainables.probe.corners.FEWEST` examples, in batches of so many."""
STEPS = EPOCHS * FEWEST // BATCH
FOR_THE_TASK = ("dropout", "label_smoothing")
"""Keys of the recipe that the task reads. The others act in Sieve's own loop, if they act in so few steps at all."""

Trace = tuple[float, ...]
"""All that a run has reported, in order."""


def asked_of_class(swept: Iterable[Swept]) -> tuple[Swept, ...]:
    """The parameters of a task class that are to be looked at: those that the task reads."""
    return tuple(one for one in swept if one.name not in KEYS or one.name in FOR_THE_TASK)


def reached(
    swept: Iterable[Swept],
    run: Callable[[Mapping[str, Any]], Trace],
    clock: Clock,
    length: tuple[str, float] = (f"{STEPS} steps", 0.0),
) -> tuple[tuple[Reach, ...], tuple[str, ...]]:
    """What each parameter changes, and the names of those that there was no time for.

    ``run`` trains a config; ``length`` says how long, in words and in seconds. One that fails, or has a NaN, is left
    aside.
    """
    within, seconds = length
    found, skipped = [], []
    for parameter in swept:
        if clock.left < seconds * len(parameter.corners):
            skipped.append(parameter.name)
            continue
        alike: dict[Trace, list[str]] = {}
        for corner in parameter.corners:
            try:
                trace = run(corner.config)
            except Exception:  # The probe of the corners tells it.
                continue
            if trace and all(map(math.isfinite, trace)):
                alike.setdefault(trace, []).append(corner.name)
        tried = sum(map(len, alike.values()))
        if tried > 1:
            groups = tuple(tuple(names) for names in alike.values() if len(names) > 1)
            found.append(Reach(parameter.name, groups, tried, within))
    return tuple(found), tuple(skipped)


def trained(task: Task, data: Data, config: Mapping[str, Any], enough: int = 0) -> Trace:
    """The trace of a run by Sieve's own loop, of `STEPS` steps."""
    part = shortened(data, FEWEST, max(FEWEST, enough))
    training, _ = mini(task, part, {**config, "batch_size": BATCH, "accumulate": 1})
    return tuple(value for _ in range(EPOCHS) for value in traced(training.run_epoch()))


def traced(metrics: Mapping[str, float], names: Callable[[str], bool] = lambda _: True) -> Trace:
    """The values of ``metrics``, without times, of those whose name is asked for by ``names``."""
    return tuple(metrics[name] for name in sorted(metrics) if name not in TIMINGS and names(name))
