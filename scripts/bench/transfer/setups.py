"""The tasks of the benchmark, cut so that a full training takes some seconds on one core, with their spaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import service
from service.spec.flat import nest
from service.spec.space.space import Space
from trainables.data import Data
from trainables.stages import Plan, Stage
from trainables.task import Task
from trainables.worker.resolve import resolve

TASKS = Path(__file__).parents[3] / "trainables" / "tasks"
WORDS: Mapping[str, Any] = {
    "embedding": {"choice": [32, 64]},
    "hidden": {"lograndint": [16, 65]},
    "layers": {"randint": [1, 3]},
}


@dataclass(frozen=True)
class Setup:
    """A reference task with at most ``train`` and ``validation`` examples, other ``parameters`` and a plan.

    ``plan`` is as an example sweep's: the first stage is the coarse one, the last is full training.
    """

    name: str
    plan: Plan
    train: int
    validation: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""
    metric: str = "val_accuracy"
    sign: int = 1

    @property
    def example(self) -> Mapping[str, Any]:
        """The example sweep's spec in raw form; of a task without one, empty."""
        path = TASKS / f"{self.name}.yaml"
        return service.load(path).to_dict() if path.exists() else {"task": self.task, "parameters": {}}

    def load(self, folder: Path) -> tuple[Task, Data]:
        """The task and its data, cut by a fixed draw that keeps the order."""
        task = resolve(self.example["task"], str(Path(__file__).parents[3]))
        task.data_dir = folder
        whole = task.data()
        return task, Data(cut(whole.train, self.train), cut(whole.validation, self.validation)).unpacked()

    def configs(self, count: int) -> list[dict[str, Any]]:
        """The first ``count`` of a fixed row of random configs."""
        space = Space.parse({**self.example["parameters"], **self.parameters})
        points = np.random.default_rng(20261128).random((count, space.dimension))
        return [nest(space.from_unit(point.tolist())) for point in points]


def cut(arrays: Any, most: int) -> Any:
    """``most`` of the examples, or all if there are no more."""
    size = len(arrays[0])
    rows = np.sort(np.random.default_rng(0).permutation(size)[:most])
    return tuple(array[rows] for array in arrays)


def plan(*stages: tuple[float, int]) -> Plan:
    return Plan(tuple(Stage(*stage) for stage in stages))


SETUPS = (
    Setup("satellite", plan((0.1, 4), (0.3, 8), (1.0, 20)), 6000, 1287),
    Setup("letterrecognition", plan((0.05, 4), (0.2, 6), (1.0, 12)), 10_000, 2000),
    Setup("digits", plan((0.05, 4), (0.15, 6), (0.4, 8), (1.0, 16)), 1437, 360),
    Setup("trec", plan((0.1, 3), (0.4, 4), (1.0, 6)), 2500, 546, WORDS),
    Setup("adult", plan((0.05, 2), (0.2, 3), (1.0, 6)), 12_000, 3000),
    Setup(
        "fashion_mnist",
        plan((0.05, 3), (0.25, 4), (1.0, 6)),
        5000,
        1000,
        {"width": {"choice": [4, 8]}, "hidden": {"lograndint": [32, 129]}},
    ),
    Setup(
        "captions",
        plan((0.08, 1), (1.0, 1)),
        8000,
        500,
        {
            "width": {"choice": [32, 64]},
            "layers": {"randint": [1, 3]},
            "dropout": {"uniform": [0.0, 0.3]},
            "optimizer": "adamw",
            "lr": {"loguniform": [1e-4, 1e-1]},
            "weight_decay": {"loguniform": [1e-6, 1e-1]},
            "batch_size": {"choice": [16, 32, 64]},
            "schedule": {"choice": ["constant", "cosine"]},
            "clip_norm": 5.0,
        },
        "bench.transfer.language:Captions",
        "val_loss",
        -1,
    ),
)
