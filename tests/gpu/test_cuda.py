"""Training on a CUDA device."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.projects.toy import Blobs
from trainables.loop import Training
from trainables.stages import Plan, Stage

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

PLAN = Plan((Stage(0.5, 2), Stage(1.0, 3)))


def training() -> Training:
    task = Blobs()
    return Training(task, task.data(), {"lr": 0.05, "batch_size": 32}, PLAN, seed=0)


def tensors(state: Any) -> list[torch.Tensor]:
    return list(state["model"].values())


def test_the_model_trains_on_the_device_and_learns() -> None:
    run = training()
    metrics = [run.run_epoch() for _ in range(5)]
    assert {tensor.device.type for tensor in tensors(run.state())} == {"cuda"}
    assert metrics[-1]["train_loss"] < metrics[0]["train_loss"]
    assert metrics[-1]["val_accuracy"] > 0.8


def test_a_resumed_run_agrees_with_a_straight_one() -> None:
    straight, cut, resumed = training(), training(), training()
    for _ in range(5):
        straight.run_epoch()
    for _ in range(2):
        cut.run_epoch()
    resumed.load(cut.state())
    for _ in range(3):
        resumed.run_epoch()
    for ours, theirs in zip(tensors(resumed.state()), tensors(straight.state()), strict=True):
        torch.testing.assert_close(ours, theirs)
