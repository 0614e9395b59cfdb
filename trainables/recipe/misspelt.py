"""Config keys that are probably misspelt keys of the recipe."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import fields

from trainables.recipe.recipe import Recipe

ALIASES = {
    "learning_rate": "lr",
    "wd": "weight_decay",
    "l2": "weight_decay",
    "scheduler": "schedule",
    "lr_scheduler": "schedule",
    "grad_clip": "clip_norm",
    "max_grad_norm": "clip_norm",
    "warmup_epochs": "warmup",
    "warmup_steps": "warmup",
    "accumulate_grad_batches": "accumulate",
    "gradient_accumulation_steps": "accumulate",
    "early_stopping": "patience",
    "amp": "precision",
    "mixed_precision": "precision",
    "deterministic": "reproducible",
}
"""What other libraries call keys of the recipe, where the names are too different for difflib."""


def misspelt(names: Iterable[str]) -> dict[str, str]:
    """Those of the config keys ``names`` that are probably misspelt keys of the recipe, with the key that is meant."""
    keys = [field.name for field in fields(Recipe)]
    found = {}
    for name in names:
        close = difflib.get_close_matches(name, keys, n=1, cutoff=0.8)
        if name not in keys and (name in ALIASES or close):
            found[name] = ALIASES.get(name) or close[0]
    return found
