"""Two rings of points, told apart by a small network; copied into a folder of its own, it needs torch and numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from trainables.data import Data
from trainables.task import Task


def points() -> tuple[np.ndarray, np.ndarray]:
    """2 000 points of two rings, and which ring each is of."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 2000)
    angles, radii = draw.uniform(0, 2 * np.pi, 2000), 1 + labels + draw.normal(0, 0.2, 2000)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], 1).astype("float32"), labels


def network(config: Mapping[str, Any]) -> nn.Module:
    """One hidden layer."""
    return nn.Sequential(nn.Linear(2, config["hidden"]), nn.ReLU(), nn.Linear(config["hidden"], 2))


class Rings(Task):
    """The task for Sieve."""

    def data(self) -> Data:
        x, y = points()
        return Data((x[:1600], y[:1600]), (x[1600:], y[1600:]))

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return network(config)
