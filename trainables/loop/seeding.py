"""Seeding: the random draws of an epoch are a function of the trial's seed and the epoch, so that it can be resumed."""

from __future__ import annotations

import random

import numpy as np
import torch

INITIALIZATION = 0
"""Stream of the model's initial weights; epoch n of the trial, counted from 0, has stream n + 1."""


def derive(seed: int, stream: int) -> int:
    """The seed of one ``stream`` of random draws, independent of those of other streams and seeds."""
    return int(np.random.SeedSequence([seed, stream]).generate_state(1)[0])


def seed_all(seed: int, stream: int) -> np.random.Generator:
    """Seed the global generators of Python, numpy and torch for ``stream`` and return one of its own for data order."""
    value = derive(seed, stream)
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)
    return np.random.default_rng(value)
