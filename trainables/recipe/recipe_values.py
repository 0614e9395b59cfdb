"""`RecipeValues`: the values of a recipe's keys that are in effect, as optimizers and schedules read them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class RecipeValues:
    """A field for each key of the recipe, with its default; what each means is told by `trainables.recipe.Recipe`."""

    optimizer: str = "adamw"
    lr: float = 1e-3
    momentum: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    l1: float = 0.0
    schedule: str = "constant"
    warmup: float = 0.0
    lr_start: float = 1.0
    lr_end: float = 1.0
    schedule_period: float = 1.0
    step_factor: float = 1.0
    restart_growth: int = 1
    plateau_factor: float = 0.1
    plateau_patience: int = 2
    plateau_threshold: float = 1e-4
    plateau_min_lr: float = 0.0
    plateau_eps: float = 1e-8
    batch_size: int = 128
    accumulate: int = 1
    lr_scaling: str = "none"
    base_batch_size: int = 128
    clip_norm: float | None = None
    dropout: float = 0.0
    label_smoothing: float = 0.0
    patience: int | None = None
    sampling: str = "natural"
    precision: str = "auto"
    channels_last: bool = False
    reproducible: bool = False

    @property
    def peak(self) -> float:
        """``lr`` after ``lr_scaling``: the highest rate of the schedule."""
        ratio = self.batch_size / self.base_batch_size
        return self.lr * {"none": 1.0, "linear": ratio, "sqrt": math.sqrt(ratio)}[self.lr_scaling]
