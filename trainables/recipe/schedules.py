"""The learning rate schedules of the recipe, each of ``torch.optim.lr_scheduler``, with their keys and defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
    StepLR,
)

from trainables.errors import TaskError
from trainables.recipe.recipe_values import RecipeValues

SCHEDULES: Mapping[str, Mapping[str, Any]] = {
    "constant": {},
    "linear": {"lr_end": 0.0},
    "step": {"schedule_period": 1 / 3, "step_factor": 0.1},
    "exponential": {"lr_end": 0.01},
    "cosine": {"lr_end": 0.0},
    "restarts": {"lr_end": 0.0, "schedule_period": 1 / 7, "restart_growth": 2},
    "plateau": {
        "plateau_factor": 0.1,
        "plateau_patience": 2,
        "plateau_threshold": 1e-4,
        "plateau_min_lr": 0.0,
        "plateau_eps": 1e-8,
    },
    "cyclic": {"lr_start": 0.1, "schedule_period": 0.25},
    "onecycle": {"lr_start": 0.04, "lr_end": 4e-6, "warmup": 0.3},
}
"""Schedules by name, with the defaults of the keys that each takes; the first is the default. The cycles of restarts
take 1/7, 2/7 and 4/7 of the steps, so that the last one ends with the last step."""


def build(recipe: RecipeValues, optimizer: Optimizer, steps: int) -> LRScheduler | None:
    """The schedule after the warm-up, over ``steps`` optimizer steps; None for a constant rate.

    CosineAnnealing (Loshchilov & Hutter, 2017), with and without restarts; CyclicLR (Smith, 2017).
    """
    cycle, low = max(1.0, round(recipe.schedule_period * steps, 9)), recipe.peak * recipe.lr_end
    period = math.ceil(cycle)
    match recipe.schedule:
        case "linear":
            return LinearLR(optimizer, start_factor=1.0, end_factor=recipe.lr_end, total_iters=max(1, steps))
        case "step":
            return StepLR(optimizer, step_size=period, gamma=recipe.step_factor)
        case "exponential":
            return ExponentialLR(optimizer, gamma=recipe.lr_end ** (1 / max(1, steps)))
        case "cosine":
            return CosineAnnealingLR(optimizer, T_max=max(1, steps), eta_min=low)
        case "restarts":
            return _restarts(recipe, optimizer, cycle)
        case "plateau":
            return _plateau(recipe, optimizer)
        case "cyclic":
            return _cyclic(recipe, optimizer, period)
    return None


def onecycle(recipe: RecipeValues, optimizer: Optimizer, steps: int, rise: int) -> OneCycleLR:
    """One cycle (Smith & Topin, 2019) over ``steps``, rising for the first ``rise``; momentum is not cycled."""
    return OneCycleLR(
        optimizer,
        recipe.peak,
        # torch divides by zero where the rise is exactly one step long, or the whole cycle is.
        total_steps=max(steps, 2),
        pct_start=rise / steps if rise > 1 else 0.0,
        cycle_momentum=False,
        div_factor=1 / recipe.lr_start,
        final_div_factor=recipe.lr_start / recipe.lr_end,
    )


def check(recipe: RecipeValues) -> None:
    """Check the values of the schedule's keys against each other.

    Raises:
        TaskError: ``lr_end`` is 0 for a schedule that falls by a factor.
    """
    if recipe.schedule in ("exponential", "onecycle") and recipe.lr_end == 0:
        raise TaskError(
            f"lr_end is 0, which the {recipe.schedule} schedule never reaches", "use a number > 0, e.g. 0.01"
        )


def _restarts(recipe: RecipeValues, optimizer: Optimizer, cycle: float) -> CosineAnnealingWarmRestarts:
    schedule = CosineAnnealingWarmRestarts(
        optimizer, T_0=1, T_mult=recipe.restart_growth, eta_min=recipe.peak * recipe.lr_end
    )
    # Torch's constructor takes whole numbers only; its arithmetic takes fractions, with which the last cycle ends
    # exactly with the last step.
    schedule.T_0 = schedule.T_i = cycle  # type: ignore[assignment]
    return schedule


def _plateau(recipe: RecipeValues, optimizer: Optimizer) -> ReduceLROnPlateau:
    return ReduceLROnPlateau(
        optimizer,
        factor=recipe.plateau_factor,
        patience=recipe.plateau_patience,
        threshold=recipe.plateau_threshold,
        min_lr=recipe.plateau_min_lr,
        eps=recipe.plateau_eps,
    )


def _cyclic(recipe: RecipeValues, optimizer: Optimizer, period: int) -> CyclicLR:
    low, up = recipe.peak * recipe.lr_start, max(1, period // 2)
    down = max(1, period - up)
    return CyclicLR(optimizer, low, recipe.peak, step_size_up=up, step_size_down=down, cycle_momentum=False)
