"""A task may change the config that it is given: each call has a copy of its own, of the config that was assigned."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed, nn

from tests.projects.toy import Blobs
from trainables.adapters.library import Epoch, LibraryRun, LibraryTask, Trained
from trainables.loop.assignment import Assignment
from trainables.loop.training import Training
from trainables.probe import corners, stage_costs
from trainables.probe.evidence import Corner, Question
from trainables.probe.finders import batch_size_finder, lr_finder
from trainables.probe.learning import first_steps, one_batch
from trainables.stages import Plan, Stage
from trainables.worker import staged
from trainables.worker.task_shard import TaskShard

PLAN = Plan((Stage(0.5, 1), Stage(1.0, 2, start="fresh")))
CONFIG: dict[str, Any] = {"net": {"hidden": 4, "widths": [4]}, "lr": 0.1, "batch_size": 8}


class Greedy(Blobs):
    """Takes its config apart wherever it is given it."""

    def model(self, config: Any) -> nn.Module:
        spoil(config)
        return nn.Linear(2, 2)

    def loss(self, model: nn.Module, batch: Any, config: Any) -> torch.Tensor:
        spoil(config)
        return super().loss(model, batch, {})

    def metrics(self, model: nn.Module, batch: Any, config: Any) -> Mapping[str, Any]:
        spoil(config)
        return {"loss": super().loss(model, batch, {})}


def spoil(config: Any) -> None:
    assert config == CONFIG
    config["net"]["hidden"] *= 2
    config["net"]["widths"].append(8)
    config.pop("lr")


@pytest.fixture
def config() -> dict[str, Any]:
    return copy.deepcopy(CONFIG)


@pytest.fixture
def question(config: dict[str, Any]) -> Question:
    given = Assignment(config, 0, 0, "val_loss", PLAN, "tests.projects.toy:Blobs", ".", Path())
    return Question(given, (PLAN,), (Corner("the middle", config),), seconds=0.1)


def test_a_trial(config: dict[str, Any]) -> None:
    training = Training(Greedy(), Greedy().data(), config, PLAN, 0)
    for _ in range(3):
        training.run_epoch()
    assert config == CONFIG


def test_a_trial_of_several_processes(config: dict[str, Any]) -> None:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        share = TaskShard(Greedy(), 0, 1, lambda module: module)
        Training(share, Greedy().data(), config, PLAN, 0).run_epoch()
    finally:
        distributed.destroy_process_group()
    assert config == CONFIG


class Climbs(LibraryRun):
    """A library's trainer that spoils the config."""

    def make(self) -> nn.Module:
        spoil(self.config)
        return nn.Linear(2, 2)

    def steps(self, examples: Any) -> int:
        spoil(self.config)
        return 1

    def train(self, epoch: Epoch) -> Trained:
        spoil(self.config)
        return Trained({"loss": 1.0}, None, 1, False)

    def forget(self) -> None:
        pass


class Adapted(LibraryTask):
    data = Blobs.data

    def run(self, *arguments: Any) -> LibraryRun:
        return Climbs(self, *arguments)


@pytest.mark.parametrize("task", [Greedy(), Adapted(), lambda config, stage: (spoil(config), stage.report({"x": 1}))])
def test_the_identity_of_a_checkpoint_is_of_the_assigned_config(
    config: dict[str, Any], task: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(staged, "load", lambda *_: (task, Blobs().data() if not callable(task) else None))
    given = Assignment(config, 0, 0, "val_loss", PLAN, "toy:Greedy", ".", tmp_path)
    before = copy.deepcopy(given.identity)
    runner = staged.runner_of(given, ())
    for _ in range(2):
        runner.run_epoch()
    runner.close()
    assert given.identity == before


def test_the_check(config: dict[str, Any], question: Question) -> None:
    task, data = Greedy(), Greedy().data()
    assert first_steps.first(task, data, config, torch.device("cpu")).error is None
    one_batch.learn(task, data, config, 0.1)
    stage_costs.measure(task, data, config, [PLAN], 0)
    assert corners.sketch(task, Corner("middle", config), PLAN, (100, 100)).failure is None
    assert corners.train(task, data, Corner("middle", config), "val_loss", 0.1, 1e-3).failure is None
    assert config == CONFIG


@pytest.mark.parametrize("finder", [lr_finder.ramp, batch_size_finder.batch_sizes])
def test_the_finders(finder: Any, question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Greedy()
    monkeypatch.setattr(f"{finder.__module__}.own", lambda *_: (task, task.data().unpacked()))
    finder(question, None)
    assert question.given.config == CONFIG
