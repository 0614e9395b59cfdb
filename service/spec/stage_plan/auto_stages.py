"""The plan of ``stages: auto``: enough optimizer steps in the first stage, costs that grow evenly, all data at the end.

Successive halving's geometric budgets (Jamieson & Talwalkar, 2016), with a first rung that tells something.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from service.spec.stage_plan.steps import DEFAULT, USEFUL
from trainables.stages import Plan, Stage

EPOCHS = 10
"""Epochs of a full training where nobody says how many."""
FACTOR = 4.0
MOST_COARSE = 3
"""Coarse stages at most: with the usual factor the first one then costs a 64th of a full training."""
UNSEEN = 1 / 16
"""Smallest cost of a first stage where nothing is known of the task."""
DEAREST = 0.5
"""A first stage that must cost more than this share of a full training is left out, and with it all others."""
VALIDATION = 1 / 3
"""Cost of validating on an example beside that of training on it, where it was not measured: no backward pass."""


@dataclass(frozen=True)
class Load:
    """What is known of the work of a training.

    ``examples`` and ``validation`` are numbers of examples, ``batch`` is the median batch size; ``validating`` is the
    cost of an example of validation beside that of one of training, as measured by a check.
    """

    examples: int
    validation: int
    batch: int = DEFAULT
    validating: float = VALIDATION


def auto_plan(epochs: int, trials: int | None, factor: float = FACTOR, load: Load | None = None) -> Plan:
    """The plan for a sweep of so many ``trials`` (None: many) whose full trainings take ``epochs``.

    The first stage costs as little of a full training as ``trials`` allow, one ``factor`` for each rung that they fill,
    and as much as `USEFUL` optimizer steps with the median batch need. Between it and the last stage costs grow evenly.
    A stage has its share of both, data and epochs, but no more epochs than let it train longer than it validates.
    Without ``load`` nothing is known of steps. A single stage where none coarser would tell anything.

    >>> from service.spec.stage_plan.auto_stages import Load, auto_plan
    >>> [(stage.data, stage.epochs) for stage in auto_plan(20, 48, load=Load(5148, 1287)).stages]
    [(0.25, 5), (0.5, 10), (1.0, 20)]
    """
    full = Plan((Stage(1.0, epochs),))
    rungs = MOST_COARSE if trials is None else min(MOST_COARSE, math.floor(math.log(trials) / math.log(factor) + 1e-9))
    if rungs < 1:
        return full
    first = factor**-rungs
    first = max(first, UNSEEN) if load is None else max(first, _needed(epochs, load))
    if first > DEAREST:
        return full
    coarse = max(1, round(math.log(1 / first) / math.log(factor)))
    stages = [_stage(epochs, first ** (1 - rung / coarse), load) for rung in range(coarse)]
    return Plan((*_rising(stages), *full.stages))


def _needed(epochs: int, load: Load) -> float:
    """The share of a full training that makes enough steps."""
    return USEFUL / (epochs * max(1.0, load.examples / load.batch))


def _stage(epochs: int, cost: float, load: Load | None) -> Stage:
    passes = max(1, round(epochs * math.sqrt(cost)))
    if load is not None:
        affordable = epochs * cost * load.examples / max(1e-9, load.validation * load.validating)
        passes = max(1, min(passes, int(affordable)), math.ceil(epochs * cost))
    return Stage(min(1.0, _rounded(epochs * cost / passes)), passes)


def _rising(stages: list[Stage]) -> list[Stage]:
    """The stages without those that have less data than the one before, as rounding may leave."""
    kept: list[Stage] = []
    for stage in stages:
        if not kept or stage.data >= kept[-1].data:
            kept.append(stage)
    return kept


def _rounded(fraction: float) -> float:
    """``fraction`` rounded up to two digits."""
    digits = 1 - math.floor(math.log10(fraction))
    return math.ceil(fraction * 10.0**digits - 1e-9) / 10.0**digits
