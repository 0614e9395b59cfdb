"""The recipe: how a model is trained, read from a config and checked for sense."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer

from trainables.errors import TaskError
from trainables.recipe import optimizers, schedules
from trainables.recipe.keys import KEYS, refuse_idle
from trainables.recipe.optimizers import OPTIMIZERS
from trainables.recipe.schedule import LRSchedule
from trainables.recipe.schedules import SCHEDULES


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. Config keys of other names belong to the task; fields without effect mean nothing.

    - ``optimizer``: adamw, adam, sgd, momentum, nesterov, rmsprop or adadelta, all as torch has them. ``lr``: the
      (peak) rate, default 1e-3 for the Adams, 1e-2 for the others, 1 for adadelta. ``momentum``: of sgd and rmsprop
      (default 0), momentum and nesterov (0.9). ``betas``: of adamw and adam, default [0.9, 0.999].
    - ``weight_decay``: decoupled for adamw, an L2 penalty for the others; ``l1``: an L1 penalty. Neither touches
      biases, norms and other parameters of at most one dimension, or is in the reported loss; defaults 0.
    - ``schedule``: constant, linear, step, exponential, cosine, restarts, cyclic and onecycle move once per optimizer
      step, plateau once per epoch, on ``val_loss`` (``train_loss`` where there is none). ``lr_start``, ``lr_end``: low
      rates of a cycle and at the end, as a share of lr. ``schedule_period``: length of a step or (first) cycle, as a
      share of all steps after the warm-up. ``step_factor``, ``restart_growth``, and ``plateau_factor``, ``_patience``
      (epochs), ``_threshold``, ``_min_lr``, ``_eps`` as in torch. Defaults: `trainables.recipe.schedules.SCHEDULES`.
    - ``warmup``: linear rise of the rate, over a fraction of all steps if below 1, else over that many epochs; default
      0. Of onecycle it is the cycle's own rise, default 0.3.
    - ``batch_size``: default 128; ``accumulate``: micro-batches that it is cut into, default 1. ``lr_scaling``: none,
      linear (Goyal et al., 2017) or sqrt in batch_size / ``base_batch_size`` (default 128).
    - ``clip_norm``: the largest norm of the gradient, default none.
    - ``dropout``, ``label_smoothing``: for the task's model and default loss, default 0.
    - ``patience``: epochs without a better ``val_loss`` after which a stage ends with its best weights, default none.
      A stage that is over before then ends with its last weights.
    - ``sampling``: natural, oversample (an epoch draws from each class alike) or balanced (each batch does, too).
    - ``precision``: auto (bf16 on a CUDA device that has it, else fp32), fp32, bf16 or fp16; ``channels_last``: memory
      format of images, default false; ``reproducible``: deterministic algorithms, not the fastest, default false.
    """

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

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Recipe:
        """The recipe in ``config``.

        Raises:
            TaskError: a value is out of range or has no effect with the others; names key, value and what is allowed.
        """
        given = {key: value.read(key, config[key]) for key, value in KEYS.items() if key in config}
        refuse_idle(given)
        optimizer, schedule = given.get("optimizer", cls.optimizer), given.get("schedule", cls.schedule)
        recipe = cls(**{**OPTIMIZERS[optimizer], **SCHEDULES[schedule], **given})
        if recipe.batch_size % recipe.accumulate:
            raise TaskError(
                f"accumulate is {recipe.accumulate}, which does not divide batch_size {recipe.batch_size}",
                f"use {math.gcd(recipe.accumulate, recipe.batch_size)} or another divisor",
            )
        if recipe.optimizer == "nesterov" and recipe.momentum == 0:
            raise TaskError("momentum is 0, but nesterov needs some", "use a number > 0 and < 1, or optimizer sgd")
        schedules.check(recipe)
        return recipe

    @property
    def peak(self) -> float:
        """``lr``, scaled with the batch size if so configured."""
        ratio = self.batch_size / self.base_batch_size
        return self.lr * {"none": 1.0, "linear": ratio, "sqrt": math.sqrt(ratio)}[self.lr_scaling]

    def steps(self, examples: int) -> int:
        """Optimizer steps of an epoch; a last batch of one example is left out, as batch norm cannot train on it."""
        return max(1, examples // self.batch_size + (examples % self.batch_size > 1))

    def build_optimizer(self, model: nn.Module) -> Optimizer:
        """The optimizer of all trainable parameters of ``model``."""
        return optimizers.build(self, model)

    def build_schedule(self, optimizer: Optimizer, epochs: Sequence[int]) -> LRSchedule:
        """The learning rate over all ``epochs``, each given as its number of steps.

        Raises:
            TaskError: the warm-up takes all the epochs there are.
        """
        self.check_warmup([len(epochs)])
        warmup = self._warmup_steps(epochs)
        if self.schedule == "onecycle":
            return LRSchedule(optimizer, schedules.onecycle(self, optimizer, sum(epochs), warmup), 0)
        return LRSchedule(optimizer, schedules.build(self, optimizer, sum(epochs) - warmup), warmup)

    def check_warmup(self, stages: Sequence[int]) -> None:
        """See that a warm-up in epochs fits ``stages``, the epochs of each from one fresh start to the next.

        Raises:
            TaskError: it takes all of them, or more than the first stage, whose end would judge a rate still rising.
        """
        if self.warmup >= max(1, sum(stages)):
            raise TaskError(
                f"warmup is {self.warmup:g} epochs of {sum(stages)}", "use fewer, or a fraction of all steps below 1"
            )
        if self.warmup > max(1, stages[0]):
            raise TaskError(
                f"warmup is {self.warmup:g} epochs, but the stage it begins in has {stages[0]} and would be judged "
                f"before the rate has risen",
                f"use at most {stages[0]}, or a fraction of all steps below 1",
            )

    def _warmup_steps(self, epochs: Sequence[int]) -> int:
        if self.warmup < 1:
            return int(self.warmup * sum(epochs))
        whole = int(self.warmup)
        return sum(epochs[:whole]) + int((self.warmup - whole) * epochs[whole])
