"""Benchmark problems: what training any config would give and cost, at every level of fidelity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.problems.curve import Curve
from bench.problems.space import Config, Space

DEVELOPMENT = (
    *(f"lcbench:{task}" for task in (167168, 189906, 34539, 167152, 167201, 126029)),
    *(f"rbv2_xgboost:{task}" for task in (1501, 1468, 307, 15)),
    *(f"rbv2_rpart:{task}" for task in (40927, 41165, 41161)),
)
HELD_OUT = (
    *(f"lcbench:{task}" for task in (168868, 126026, 189862)),
    *(f"rbv2_xgboost:{task}" for task in (40984, 12, 41143)),
    *(f"rbv2_rpart:{task}" for task in (1478, 4541)),
)
QUICK = ("lcbench:189906", "lcbench:167168", "rbv2_xgboost:1501", "rbv2_rpart:40927")

_METRICS = {"val_accuracy": 100.0, "acc": 1.0, "auc": 1.0}  # the first that a scenario has, and what is perfect
_TRAIN_SIZES = (0.037, 0.111, 0.333, 1.0)
_SHORTEST = 1e-3  # seconds; a surrogate may predict less than nothing
_REPLICATIONS = {"repl": 10}


class Problem:
    """One task of a scenario, named ``scenario:task``.

    ``levels`` are the fidelities at which training reports (epochs 1 to 52, or shares of the data), ``rungs`` the
    positions among them where multi-fidelity methods decide (a factor of three apart), ``resources`` what each level
    counts in the units that such methods want (integers; the last is the whole training). ``resumable`` says whether
    going from one level to the next continues the training or starts it again.
    """

    def __init__(self, name: str, data: Path) -> None:
        """``data`` holds a folder for each scenario. Raises ValueError for an unknown scenario or task."""
        from bench.problems.surrogate import Surrogate  # needs onnxruntime, which recorded problems do not

        self.name = name
        scenario, _, task = name.partition(":")
        if not (data / scenario / "model.onnx").exists():
            raise ValueError(f"{name}: no {scenario}/model.onnx in {data}; name the folder that has it with --data")
        self._surrogate = Surrogate(data, scenario)
        columns = self._surrogate.columns
        entries = {entry["name"]: entry for entry in self._surrogate.space["hyperparameters"]}
        if task not in entries[columns["inst"]]["choices"]:
            raise ValueError(f"{name}: {scenario} has no task {task!r}; it has {entries[columns['inst']]['choices']}")
        self.space = Space.read(self._surrogate.space, without={columns["inst"], *columns["fid"]})
        self.resumable = "epoch" in columns["fid"]
        self._fidelity = "epoch" if self.resumable else "trainsize"
        self._fixed = {columns["inst"]: task, **{k: v for k, v in _REPLICATIONS.items() if k in columns["fid"]}}
        self._metric = next(metric for metric in _METRICS if metric in columns["y"])
        self.levels, self.rungs, self.resources = ladder(entries["epoch"] if self.resumable else None)
        self._curves: dict[tuple[Any, ...], Curve] = {}

    @property
    def top(self) -> int:
        """The position of the last level: the whole training on all data."""
        return len(self.levels) - 1

    def curve(self, config: Mapping[str, Any]) -> Curve:
        """What training ``config`` would give; values that do not count are ignored."""
        plain = {name: value.item() if hasattr(value, "item") else value for name, value in config.items()}
        active = self.space.active(plain)
        key = tuple(active.items())
        if key not in self._curves:
            losses, seconds = self._measure([active] * len(self.levels), self.levels)
            if self.resumable:
                seconds = np.maximum.accumulate(seconds)
            self._curves[key] = Curve(tuple(losses.tolist()), tuple(seconds.tolist()))
        return self._curves[key]

    def full(self, configs: Sequence[Config]) -> tuple[np.ndarray, np.ndarray]:
        """Losses and seconds of the whole training of each config, values that do not count left out of it."""
        return self._measure(configs, [self.levels[-1]] * len(configs))

    def forget(self) -> None:
        """Drop the curves kept so far."""
        self._curves.clear()

    def _measure(self, configs: Sequence[Config], levels: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        rows = [{**config, **self._fixed, self._fidelity: level} for config, level in zip(configs, levels, strict=True)]
        values = self._surrogate(rows)
        losses = 1.0 - values[self._metric].astype(float) / _METRICS[self._metric]
        return losses, np.maximum(values[self._surrogate.columns["time"]].astype(float), _SHORTEST)


def ladder(epochs: Mapping[str, Any] | None) -> tuple[tuple[float, ...], tuple[int, ...], tuple[int, ...]]:
    """Levels, rungs and resources, from the range of epochs or of the shares of the data when there is none."""
    if epochs is None:
        positions = range(len(_TRAIN_SIZES))
        return _TRAIN_SIZES, tuple(positions), tuple(3**position for position in positions)
    last = int(epochs["upper"])
    ends = [end for end in (3**power for power in range(20)) if end < last]
    counts = tuple(range(1, last + 1))
    return counts, tuple(end - 1 for end in (*ends, last)), counts
