"""Recorded curves of small networks, some of which diverged, as problems: made by ``scripts/record_curves.py``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.problems.curve import Curve
from bench.problems.problems import Problem, ladder
from bench.problems.space import Config, Parameter, Space

FOLDER = Path(__file__).resolve().parents[1] / "recorded"
PREFIX = "recorded"
RECORDED = tuple(f"{PREFIX}:{path.stem}" for path in sorted(FOLDER.glob("*.json")))


class Recorded(Problem):
    """A table of configs with their curves, named ``recorded:set``; any config has the curve of the nearest one."""

    def __init__(self, name: str) -> None:
        """Raises ValueError for a set that is not there."""
        self.name = name
        path = FOLDER / f"{name.partition(':')[2]}.json"
        if not path.exists():
            raise ValueError(f"{name}: there is no {path.name} in {FOLDER}; recorded are {', '.join(RECORDED)}")
        raw = json.loads(path.read_text())
        self.space = Space(tuple(Parameter(name, **domain) for name, domain in raw["parameters"].items()), {})
        self.resumable = True
        self._configs = [row["config"] for row in raw["curves"]]
        self._places = np.array([self._place(config) for config in self._configs])
        self._losses = np.array([row["wrong"] for row in raw["curves"]]) / raw["examples"]
        self._seconds = np.array([row["seconds"] for row in raw["curves"]])
        self.levels, self.rungs, self.resources = ladder({"upper": self._losses.shape[1]})

    def curve(self, config: Mapping[str, Any]) -> Curve:
        """The curve of the nearest recorded config, on the parameters' own scales."""
        near = self._nearest(config)
        seconds = self._seconds[near] * np.arange(1, len(self.levels) + 1)
        return Curve(tuple(self._losses[near].tolist()), tuple(seconds.tolist()))

    def full(self, configs: Sequence[Config]) -> tuple[np.ndarray, np.ndarray]:
        """Losses and seconds of the whole training of each config."""
        rows = [self._nearest(config) for config in configs]
        return self._losses[rows, -1], self._seconds[rows] * len(self.levels)

    def forget(self) -> None:
        """Nothing is kept."""

    def _nearest(self, config: Mapping[str, Any]) -> int:
        return int(np.square(self._places - self._place(config)).sum(axis=1).argmin())

    def _place(self, config: Mapping[str, Any]) -> np.ndarray:
        return np.array([parameter.position(config[parameter.name]) for parameter in self.space.parameters])


def named(name: str, data: Path) -> Problem:
    """The problem called ``name``: a recorded one, or a surrogate in ``data``."""
    return Recorded(name) if name.startswith(f"{PREFIX}:") else Problem(name, data)
