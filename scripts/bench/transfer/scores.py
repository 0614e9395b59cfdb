"""The log of trainings as arrays: values of configs by variant and seed, larger is better, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.transfer.trainings import AS_IS, COARSE_SEEDS, FULL, FULL_SEEDS, STEPS, VARIANTS, full_seeds, jobs

Values = NDArray[np.float64]
WORST = -1e9
"""The value of a training that diverged."""


@dataclass(frozen=True)
class Scores:
    """Of one task and all its configs that were trained in every way.

    ``full`` has the value of each config in full, the mean of its seeds, shape (configs,), ``seeds`` those of each
    seed, shape (seeds, configs trained with both); ``coarse`` those of each variant, shape (seeds, configs);
    ``epochs`` the value after each epoch of the longest variant, shape (epochs, seeds, configs). ``cost`` are CPU
    seconds of a variant, the mean of all configs, ``passed`` those by the end of each of ``epochs``; ``steps`` the
    optimizer steps of each config per epoch of the stage, which has ``coarse_epochs`` of them. ``full_cost`` is
    that of a full training.
    """

    task: str
    full: Values
    seeds: Values
    coarse: Mapping[str, Values]
    epochs: Values
    cost: Mapping[str, float]
    passed: Values
    steps: Values
    coarse_epochs: int
    full_cost: float

    def at_cost(self, seconds: float) -> Values:
        """As is, but with as many epochs as cost so much; shape (seeds, configs)."""
        return self.epochs[min(len(self.epochs) - 1, int(np.argmin(np.abs(self.passed - seconds))))]


def scores(task: str, sign: int, records: Iterable[Mapping[str, Any]]) -> Scores:
    """Those of the configs of ``task`` of which the log has every training."""
    known = {(one["config"], one["variant"], one["seed"]): one for one in records if one["task"] == task}
    numbers = sorted({config for config, _, _ in known})
    numbers = [n for n in numbers if all((n, job.variant, job.seed) in known for job in jobs(task, n))]

    def of(variant: str, seed: int) -> list[Mapping[str, Any]]:
        return [known[config, variant, seed] for config in numbers]

    def last(variant: str, seeds: tuple[int, ...]) -> Values:
        return np.array([[value(one["values"][-1], sign) for one in of(variant, seed)] for seed in seeds])

    def seconds(variant: str, seeds: tuple[int, ...]) -> float:
        return float(np.mean([sum(one["seconds"]) for seed in seeds for one in of(variant, seed)]))

    length = max(len(one["values"]) for one in of(STEPS, COARSE_SEEDS[0]))
    curves = [[padded(one["values"], length, sign) for one in of(STEPS, seed)] for seed in COARSE_SEEDS]
    times = [[np.pad(one["seconds"], (0, length - len(one["seconds"]))) for one in of(STEPS, s)] for s in COARSE_SEEDS]
    of_full = [[value(known[n, FULL, seed]["values"][-1], sign) for seed in full_seeds(n)] for n in numbers]
    twice = [values for values in of_full if len(values) > 1]
    return Scores(
        task,
        np.array([np.mean(values) for values in of_full]),
        np.array(twice).T,
        {name: last(name, COARSE_SEEDS) for name in VARIANTS},
        np.moveaxis(np.array(curves), 2, 0),
        {name: seconds(name, COARSE_SEEDS) for name in VARIANTS},
        np.cumsum(np.mean(times, axis=(0, 1))),
        np.array([one["steps"] / length for one in of(STEPS, COARSE_SEEDS[0])]),
        max(len(one["values"]) for one in of(AS_IS, COARSE_SEEDS[0])),
        seconds(FULL, FULL_SEEDS[:1]),
    )


def value(found: float | None, sign: int) -> float:
    return WORST if found is None or not np.isfinite(found) else sign * found


def padded(values: list[float | None], length: int, sign: int) -> Values:
    """The value after each epoch; a training that diverged stays the worst to the end."""
    found = [value(one, sign) for one in values]
    return np.array(found + [WORST] * (length - len(found)))
