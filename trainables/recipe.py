"""The training recipe: optimizer, learning rate schedule and batches as config keys, each checked for sense."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from trainables.errors import TaskError, nearest

OPTIMIZERS = ("adamw", "adam", "sgd")
SCHEDULES = ("constant", "cosine", "onecycle")
DEFAULT_LR = {"adamw": 1e-3, "adam": 1e-3, "sgd": 1e-2}
ONECYCLE_WARMUP = 0.3


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. Config keys of other names belong to the task.

    - ``optimizer``: adamw, adam or sgd.
    - ``lr``: the (peak) learning rate, default 1e-3 for adamw and adam, 1e-2 for sgd.
    - ``momentum``: of sgd alone, default 0.9.
    - ``weight_decay``: decoupled for adamw (Loshchilov & Hutter, 2019), an L2 penalty for the others; never on biases
      and norms; default 0.
    - ``schedule``: constant, cosine (Loshchilov & Hutter, 2017) or onecycle (Smith & Topin, 2019; of the rate alone,
      momentum stays as given), stepped once per batch.
    - ``warmup``: rise of the rate, over a fraction of all steps if below 1, else over that many epochs; default 0
      (onecycle: 0.3).
    - ``clip_norm``: the largest norm of the gradient, default none.
    - ``batch_size``: default 128.
    - ``label_smoothing``: for the task's default loss, default 0.
    """

    optimizer: str = "adamw"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup: float = 0.0
    clip_norm: float | None = None
    batch_size: int = 128
    label_smoothing: float = 0.0

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Recipe:
        """The recipe in ``config``.

        Raises:
            TaskError: a value is out of range or has no effect with the others; names key, value and what is allowed.
        """
        optimizer = _word(config, "optimizer", OPTIMIZERS)
        schedule = _word(config, "schedule", SCHEDULES)
        if "momentum" in config and optimizer != "sgd":
            raise TaskError(
                f"momentum is {config['momentum']!r}, but {optimizer} has none; "
                "add `when: {optimizer: [sgd]}` to the parameter or leave it out"
            )
        clip = config.get("clip_norm")
        return cls(
            optimizer=optimizer,
            lr=_number(config, "lr", DEFAULT_LR[optimizer], above=0.0),
            momentum=_number(config, "momentum", 0.9, least=0.0, below=1.0),
            weight_decay=_number(config, "weight_decay", 0.0, least=0.0),
            schedule=schedule,
            warmup=_number(config, "warmup", ONECYCLE_WARMUP if schedule == "onecycle" else 0.0, least=0.0),
            clip_norm=None if clip is None else _number(config, "clip_norm", 0.0, above=0.0),
            batch_size=_whole(config, "batch_size", 128),
            label_smoothing=_number(config, "label_smoothing", 0.0, least=0.0, below=1.0),
        )

    def steps(self, examples: int) -> int:
        """Optimizer steps of an epoch; a last batch of one example is left out, as batch norm cannot train on it."""
        return max(1, examples // self.batch_size + (examples % self.batch_size > 1))

    def build_optimizer(self, model: nn.Module) -> Optimizer:
        """The optimizer of all trainable parameters of ``model``."""
        groups = _groups(model, self.weight_decay)
        if self.optimizer == "sgd":
            return SGD(groups, lr=self.lr, momentum=self.momentum)
        return (AdamW if self.optimizer == "adamw" else Adam)(groups, lr=self.lr)

    def build_schedule(self, optimizer: Optimizer, epochs: Sequence[int]) -> LRScheduler:
        """The learning rate schedule over all ``epochs``, each given as its number of steps; stepped once per batch.

        Raises:
            TaskError: the warm-up takes all the steps there are.
        """
        total, warmup = sum(epochs), self._warmup_steps(epochs)
        if self.schedule == "onecycle":
            # torch divides by zero where the rise is exactly one step long, or the whole cycle is.
            rise = warmup / total if warmup > 1 else 0.0
            return OneCycleLR(optimizer, self.lr, total_steps=max(total, 2), pct_start=rise, cycle_momentum=False)
        decay = _cosine if self.schedule == "cosine" else _constant

        def factor(step: int) -> float:
            return (step + 1) / (warmup + 1) if step < warmup else decay((step - warmup) / max(1, total - warmup))

        return LambdaLR(optimizer, factor)

    def _warmup_steps(self, epochs: Sequence[int]) -> int:
        if self.warmup < 1:
            return int(self.warmup * sum(epochs))
        if self.warmup >= len(epochs):
            raise TaskError(
                f"warmup is {self.warmup:g} epochs of {len(epochs)}; use fewer, or a fraction of all steps below 1"
            )
        whole = int(self.warmup)
        return sum(epochs[:whole]) + int((self.warmup - whole) * epochs[whole])


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise TaskError(f"model {type(model).__name__} has no parameters to train; let one require a gradient")
    # Biases and the scales of norms are the parameters with at most one dimension.
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _constant(_progress: float) -> float:
    return 1.0


def _cosine(progress: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))


def _word(config: Mapping[str, Any], key: str, allowed: Sequence[str]) -> str:
    value = config.get(key, allowed[0])
    if value not in allowed:
        raise TaskError(f"{key} is {value!r}{nearest(str(value), allowed)}; allowed: {', '.join(allowed)}")
    return str(value)


def _number(
    config: Mapping[str, Any],
    key: str,
    default: float,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> float:
    value = config.get(key, default)
    sensible = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not (sensible and least <= value and above < value < below):
        lower = f">= {least:g}" if math.isfinite(least) else f"> {above:g}"
        upper = f" and < {below:g}" if math.isfinite(below) else ""
        raise TaskError(f"{key} is {value!r}; use a number {lower}{upper}")
    return float(value)


def _whole(config: Mapping[str, Any], key: str, default: int) -> int:
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TaskError(f"{key} is {value!r}; use a whole number >= 1")
    return value


ALIASES = {"learning_rate": "lr", "wd": "weight_decay", "scheduler": "schedule", "grad_clip": "clip_norm"}
"""Common names of recipe keys that difflib finds too far off."""


def misspelt(names: Iterable[str]) -> dict[str, str]:
    """Config keys that look like keys of the recipe without being any, with the key that may be meant."""
    keys = [field.name for field in fields(Recipe)]
    found = {}
    for name in names:
        close = difflib.get_close_matches(name, keys, n=1, cutoff=0.8)
        if name not in keys and (name in ALIASES or close):
            found[name] = ALIASES.get(name) or close[0]
    return found
