"""The config keys of the recipe: the values that each may have, and which need others to have an effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.errors import TaskError
from trainables.recipe.optimizers import OPTIMIZERS
from trainables.recipe.schedules import SCHEDULES
from trainables.recipe.values import Betas, Number, Optional, Switch, Value, Whole, Word

KEYS: Mapping[str, Value] = {
    "optimizer": Word(tuple(OPTIMIZERS)),
    "lr": Number(above=0.0),
    "momentum": Number(least=0.0, below=1.0),
    "betas": Betas(),
    "weight_decay": Number(least=0.0),
    "l1": Number(least=0.0),
    "schedule": Word(tuple(SCHEDULES)),
    "warmup": Number(least=0.0),
    "lr_start": Number(above=0.0, most=1.0),
    "lr_end": Number(least=0.0, most=1.0),
    "schedule_period": Number(above=0.0, most=1.0),
    "step_factor": Number(above=0.0, most=1.0),
    "restart_growth": Whole(),
    "plateau_factor": Number(above=0.0, below=1.0),
    "plateau_patience": Whole(least=0),
    "plateau_threshold": Number(least=0.0),
    "plateau_min_lr": Number(least=0.0),
    "plateau_eps": Number(least=0.0),
    "batch_size": Whole(),
    "accumulate": Whole(),
    "lr_scaling": Word(("none", "linear", "sqrt")),
    "base_batch_size": Whole(),
    "clip_norm": Optional(Number(above=0.0)),
    "dropout": Number(least=0.0, below=1.0),
    "label_smoothing": Number(least=0.0, below=1.0),
    "patience": Optional(Whole()),
    "sampling": Word(("natural", "oversample", "balanced")),
    "precision": Word(("auto", "fp32", "bf16", "fp16")),
    "channels_last": Switch(),
    "reproducible": Switch(),
}
"""The values of each key; `trainables.recipe.recipe.Recipe` has their defaults and effects."""


def refuse_idle(given: Mapping[str, Any]) -> None:
    """Check that each of the ``given`` keys has an effect with the others.

    Raises:
        TaskError: one has none; the message has the ``when:`` under which it has.
    """
    for chooser, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        chosen = given.get(chooser, next(iter(choices)))
        for key in given:
            takers = [name for name, defaults in choices.items() if key in defaults]
            if takers and chosen not in takers and key not in ("lr", "warmup"):
                _refuse(key, given[key], chosen, chooser, takers)
    if "base_batch_size" in given and given.get("lr_scaling", "none") == "none":
        _refuse("base_batch_size", given["base_batch_size"], "none", "lr_scaling", ["linear", "sqrt"])


def _refuse(key: str, value: Any, chosen: str, chooser: str, takers: list[str]) -> None:
    raise TaskError(
        f"{key} is {value!r}, but has no effect with {chooser} {chosen}",
        f"add `when: {{{chooser}: [{', '.join(takers)}]}}` to the parameter or leave it out",
    )
