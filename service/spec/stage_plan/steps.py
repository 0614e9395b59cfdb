"""Optimizer steps of the stages of a sweep, by the batch sizes of its space: a stage of few of them tells little."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_high
from typing import Any, NamedTuple

from service.spec.space.parameter import Parameter
from service.spec.space.space import Space
from trainables.stages import Plan, optimizer_steps
from trainables.transfer import trained

BATCH_SIZE = "batch_size"
"""The key of the recipe; without it a batch has `DEFAULT` examples."""
DEFAULT = 128

USEFUL = 24
"""Optimizer steps of the median config from which a stage sorts configs about as well as a longer one.

Measured by ``scripts/bench_transfer.py``: up to here the rank correlation with full training climbs, and beyond by
nothing that its intervals could show.
"""


class Batches(NamedTuple):
    """The smallest, the median and the largest batch size of a space."""

    smallest: int
    median: int
    largest: int


class StageSteps(NamedTuple):
    """Optimizer steps with the largest, the median and the smallest batch of a space."""

    fewest: int
    median: int
    most: int


def batches(space: Space) -> Batches | None:
    """The batch sizes of the space, where Sieve's own loop trains; None where they are no whole numbers."""
    parameter = next((p for p in space.parameters if p.name == BATCH_SIZE), None)
    values = [space.constants.get(BATCH_SIZE, DEFAULT)] if parameter is None else _values(parameter)
    sizes = [size for size in values if isinstance(size, int) and not isinstance(size, bool) and size >= 1]
    if not sizes or len(sizes) < len(values):
        return None
    return Batches(min(sizes), median_high(sizes), max(sizes))


def stage_steps(plan: Plan, examples: Sequence[int], sizes: Batches) -> list[StageSteps]:
    """Steps that went into a trial's weights by the end of each stage, which has so many training ``examples``.

    They count from the last fresh start on, as `Plan.climb` does.
    """
    found: list[StageSteps] = []
    for number, (stage, count) in enumerate(zip(plan.stages, examples, strict=True)):
        goes_on = number > 0 and stage.start != "fresh"
        before = found[-1] if goes_on else StageSteps(0, 0, 0)
        trains = (int(trained(plan, number, {BATCH_SIZE: size}).get(BATCH_SIZE, size)) for size in reversed(sizes))
        own = (stage.epochs * optimizer_steps(count, size) for size in trains)
        found.append(StageSteps(*(have + more for have, more in zip(before, own, strict=True))))
    return found


def _values(parameter: Parameter) -> list[Any]:
    if parameter.kind in ("choice", "grid_search"):
        return list(parameter.sampler.values())
    return [parameter.sampler.from_unit(unit) for unit in (0.0, 0.5, 1.0)]


def shares(plan: Plan, examples: int) -> list[int]:
    """About how many of the training ``examples`` each stage has."""
    return [max(1, round(stage.data * examples)) for stage in plan.stages]
