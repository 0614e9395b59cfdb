"""Config keys that look like keys of the recipe without being any."""

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
