"""Training on a CUDA device."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.projects.toy import Blobs
from trainables.loop.feed import Feed, resident
from trainables.loop.precision import Precision
from trainables.loop.training import Training
from trainables.stages import Plan, Stage

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

PLAN = Plan((Stage(0.5, 2), Stage(1.0, 3)))


def training(**config: Any) -> Training:
    task = Blobs()
    return Training(task, task.data(), {"lr": 0.05, "batch_size": 32, **config}, PLAN, seed=0)


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


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16", "fp16"])
def test_every_precision_learns_and_resumes(precision: str) -> None:
    straight, cut, resumed = (training(precision=precision, reproducible=True, clip_norm=5) for _ in range(3))
    metrics = [straight.run_epoch() for _ in range(5)]
    assert metrics[-1]["train_loss"] < metrics[0]["train_loss"]
    assert tensors(straight.state())[0].dtype == torch.float32
    for _ in range(2):
        cut.run_epoch()
    resumed.load(cut.state())
    for _ in range(3):
        resumed.run_epoch()
    assert resumed.state()["precision"] == straight.state()["precision"]
    assert bool(straight.state()["precision"]) == (precision == "fp16")
    for ours, theirs in zip(tensors(resumed.state()), tensors(straight.state()), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_auto_is_bf16_where_the_device_has_it() -> None:
    expected = "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    assert Precision("auto", torch.device("cuda")).name == expected


def test_data_that_fit_are_kept_on_the_device_and_shared_by_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    data = Blobs().data()
    kept = resident(data, cuda)
    assert all(isinstance(array, torch.Tensor) and array.is_cuda for array in kept.train)  # type: ignore[union-attr]
    assert resident(data, cuda) is kept
    monkeypatch.setattr("trainables.loop.feed.RESIDENT_FRACTION", 0.0)
    large = Blobs().data()
    assert not any(array.is_cuda for array in resident(large, cuda).train)  # type: ignore[union-attr]
    order = np.arange(40)[::-1].copy()
    for ours, theirs in zip(
        Feed(data, cuda).training(order, 16, 0), Feed(large, cuda).training(order, 16, 0), strict=True
    ):
        assert all(a.is_cuda and torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
