"""`Recipe`: optimizer, learning rate schedule, batches, regularization and precision of a trial, from its config."""

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
from trainables.recipe.recipe_values import RecipeValues
from trainables.recipe.schedule import LRSchedule
from trainables.recipe.schedules import SCHEDULES
from trainables.stages import optimizer_steps


@dataclass(frozen=True)
class Recipe(RecipeValues):
    """How a model is trained: the config keys of Sieve's loop, each with the meaning it has in torch.

    ===================== ======================= ============ ========================================================
    key                   values                  default      effect
    ===================== ======================= ============ ========================================================
    ``optimizer``         adamw, adam, sgd,       adamw        class of ``torch.optim``
                          momentum, nesterov,
                          rmsprop, adadelta
    ``lr``                > 0                     1e-3 [1]_    (peak) learning rate
    ``momentum``          >= 0, < 1               0 [1]_       of sgd, momentum, nesterov and rmsprop
    ``betas``             two numbers >= 0, < 1   [0.9, 0.999] of adamw and adam
    ``weight_decay``      >= 0                    0            decoupled for adamw, an L2 penalty for the others [2]_
    ``l1``                >= 0                    0            L1 penalty [2]_
    ``schedule``          constant, linear, step, constant     of lr, as in ``torch.optim.lr_scheduler`` [3]_
                          exponential, cosine,
                          restarts, plateau,
                          cyclic, onecycle
    ``warmup``            >= 0                    0 [1]_       linear rise: epochs, or below 1 a fraction of all steps
    ``lr_start``          > 0, <= 1               [1]_         low rate of cyclic and onecycle, as a fraction of lr
    ``lr_end``            >= 0, <= 1              [1]_         last rate, as a fraction of lr
    ``schedule_period``   > 0, <= 1               [1]_         a step or the first cycle, as a fraction of the steps
                                                               after the warm-up
    ``step_factor``       > 0, <= 1               0.1          factor of lr at each step (torch: ``gamma``)
    ``restart_growth``    whole, >= 1             2            factor of each cycle's length (torch: ``T_mult``)
    ``plateau_factor``    > 0, < 1                0.1          factor of lr once ``val_loss`` no longer falls
    ``plateau_patience``  whole, >= 0             2            epochs without a fall before that
    ``plateau_threshold`` >= 0                    1e-4         relative fall that counts
    ``plateau_min_lr``    >= 0                    0            lowest rate
    ``plateau_eps``       >= 0                    1e-8         smallest change of the rate
    ``batch_size``        whole, >= 1             128          examples of an optimizer step
    ``accumulate``        whole, >= 1             1            micro-batches of a batch; divides batch_size
    ``lr_scaling``        none, linear, sqrt      none         growth of lr with batch_size / base_batch_size [4]_
    ``base_batch_size``   whole, >= 1             128          see lr_scaling
    ``clip_norm``         > 0, null               null         largest norm of the gradient
    ``dropout``           >= 0, < 1               0            for the task's model
    ``label_smoothing``   >= 0, < 1               0            for the task's default loss
    ``patience``          whole, >= 1, null       null         epochs without a better ``val_loss`` after which a stage
                                                               ends with its best weights (early stopping)
    ``sampling``          natural, oversample,    natural      each example once; each class as often in an epoch; or
                          balanced                             in each batch
    ``precision``         auto, fp32, bf16, fp16  auto         autocast; auto: bf16 on a GPU that has it, else fp32
    ``channels_last``     true, false             false        memory format of images
    ``reproducible``      true, false             false        deterministic algorithms instead of the fastest
    ===================== ======================= ============ ========================================================

    .. [1] By optimizer (lr: 1e-3 of the Adams, 1 of adadelta, 1e-2 of the others; momentum: 0.9 of momentum and
       nesterov) or by schedule: `trainables.recipe.schedules.SCHEDULES`, where onecycle has a ``warmup`` of 0.3.
    .. [2] Not on biases, norms and other parameters of at most one dimension, and not in the reported loss.
    .. [3] Stepped once per optimizer step, over all steps from one fresh start to the next; plateau once per epoch, on
       ``val_loss``, or ``train_loss`` where there is none.
    .. [4] Linear: Goyal et al., 2017.

    Config keys of other names belong to the task. A key that has no effect with the others is refused. The fields are
    the values in effect; those of another optimizer or schedule mean nothing.

    >>> from trainables.recipe.recipe import Recipe
    >>> recipe = Recipe.parse({"optimizer": "sgd", "schedule": "cosine", "batch_size": 256, "hidden": 32})
    >>> recipe.lr, recipe.momentum, recipe.lr_end, recipe.steps(examples=1000)
    (0.01, 0.0, 0.0, 4)
    >>> Recipe.parse({"lr": -1})
    Traceback (most recent call last):
    ...
    trainables.errors.TaskError: lr is -1; use a number > 0
    """

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Recipe:
        """The recipe in ``config``, other keys left aside.

        Raises:
            TaskError: a value is out of range or has no effect with the others; with the key and what is allowed.
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

    def steps(self, examples: int) -> int:
        """Optimizer steps of an epoch; a last batch of one example is dropped, as batch norm cannot train on it."""
        return optimizer_steps(examples, self.batch_size)

    def micro_batches(self, examples: int) -> int:
        """How many micro-batches a batch of so many ``examples`` is cut into."""
        size = self.batch_size // self.accumulate
        count = -(-examples // size)
        # A smaller batch is cut evenly, so that no piece is a single example, which batch norm cannot train on.
        return min(count, max(1, examples // 2)) if size > 1 else count

    def build_optimizer(self, model: nn.Module) -> Optimizer:
        """The torch optimizer of all trainable parameters of ``model``."""
        return optimizers.build(self, model)

    def build_schedule(self, optimizer: Optimizer, epochs: Sequence[int]) -> LRSchedule:
        """The learning rate schedule over ``epochs``, each given as its number of optimizer steps.

        Raises:
            TaskError: the warm-up takes all of them.
        """
        self.check_warmup([len(epochs)])
        warmup = self._warmup_steps(epochs)
        if self.schedule == "onecycle":
            return LRSchedule(optimizer, schedules.onecycle(self, optimizer, sum(epochs), warmup), 0)
        return LRSchedule(optimizer, schedules.build(self, optimizer, sum(epochs) - warmup), warmup)

    def check_warmup(self, stages: Sequence[int]) -> None:
        """Check the warm-up against ``stages``, the number of epochs of each from one fresh start to the next.

        Raises:
            TaskError: it takes all of them, or more than the first stage, whose rung would compare unfinished warm-ups.
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
