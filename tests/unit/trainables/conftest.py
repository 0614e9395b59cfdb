"""A tiny real task with dropout, and assignments of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.loop.assignment import Assignment
from trainables.stages import Plan, Stage

TASK_SOURCE = '''
import torch
from torch import nn

from trainables.data import Data
from trainables.task import Task


class Blobs(Task):
    """Two clouds of points; the model has dropout and batch norm, so that every kind of state matters."""

    def data(self):
        draws = torch.Generator().manual_seed(0)
        labels = torch.arange(90) % 2
        points = torch.randn(90, 3, generator=draws) + labels[:, None] * 2.0
        return Data((points[:60], labels[:60]), (points[60:], labels[60:]))

    def model(self, config):
        return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))


class Poisoned(Blobs):
    """Its loss becomes NaN from the epoch on in which the schedule has taken ``poison`` steps."""

    def loss(self, model, batch, config):
        self.steps = getattr(self, "steps", 0) + 1
        return super().loss(model, batch, config) * (float("nan") if self.steps > config["poison"] else 1.0)


class Broken(Blobs):
    def model(self, config):
        raise ZeroDivisionError("no layers")


class Unfinished(Task):
    def data(self):
        raise NotImplementedError


class Demanding(Blobs):
    def __init__(self, size):
        self.size = size


class Elsewhere(Blobs):
    def data(self):
        raise FileNotFoundError("no such file: train.csv")


class NotATask:
    pass


def one_argument(config):
    pass


def counting(config, stage):
    """A plain function whose whole state is one number, kept in its checkpoint."""
    total = (stage.checkpoint or {"total": 0.0})["total"]
    for epoch in stage:
        total += 1 + float(torch.rand(()))
        stage.report({"score": total, "epoch_seen": epoch}, checkpoint={"total": total})


def seldom(config, stage):
    """A plain function that validates every so many epochs."""
    for epoch in stage:
        score = {} if (epoch + 1) % config["every"] else {"score": float(epoch)}
        stage.report({"epoch_seen": epoch, **score})


def reading(config, stage):
    """A plain function whose data are a number in a file."""
    for epoch in stage:
        stage.report({"score": float((stage.data_dir / "number").read_text())})
'''

STAGES = (Stage(0.3, 2), Stage(1.0, 3))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project folder with ``blobs.py`` in it."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "blobs.py").write_text(TASK_SOURCE)
    return folder


@pytest.fixture
def assign(project: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Builds the Tune config of a trial; keyword arguments replace the fields of its assignment."""

    def build(**changes: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "config": {"lr": 0.05, "batch_size": 8, "schedule": "cosine"},
            "trial": 3,
            "seed": 11,
            "metric": "val_accuracy",
            "plan": Plan(STAGES),
            "task": "blobs:Blobs",
            "project": str(project),
            "folder": tmp_path / "checkpoints" / "3",
        }
        return Assignment(**{**fields, **changes}).to_dict()

    return build
