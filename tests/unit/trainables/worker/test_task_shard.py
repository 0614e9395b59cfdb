"""The shards of several processes make up the whole batch, here one process after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import distributed, nn
from torchmetrics import MeanSquaredError

from tests.projects.toy import Blobs
from trainables.errors import TaskError
from trainables.loop.validation import Weighted
from trainables.worker.task_shard import TaskShard


@pytest.fixture(autouse=True, scope="module")
def group() -> Iterator[None]:
    """A group of one process: its sums are what it puts in."""
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def batch(size: int) -> tuple[torch.Tensor, ...]:
    task = Blobs()
    return tuple(part[:size] for part in task.data().unpacked().train)  # type: ignore[misc, union-attr]


def gradients(model: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])


@pytest.mark.parametrize(("size", "world"), [(32, 2), (31, 2), (7, 4), (2, 3)])
def test_the_average_over_all_processes_is_the_loss_of_the_whole_batch(size: int, world: int) -> None:
    task, config = Blobs(), dict[str, Any]()
    torch.manual_seed(0)
    model, rows = task.model(config), batch(size)
    whole = task.loss(model, rows, config)
    whole.backward()
    expected = gradients(model)
    model.zero_grad()
    losses = [TaskShard(task, rank, world, lambda module: module).loss(model, rows, config) for rank in range(world)]
    torch.stack(losses).mean().backward()
    torch.testing.assert_close(gradients(model), expected)
    # What the processes would sum up, which here are one.
    torch.testing.assert_close(torch.stack(losses).sum(), whole)


@pytest.mark.parametrize(("size", "world"), [(3, 2), (5, 4), (9, 4)])
def test_no_process_gets_a_single_row_which_batch_normalization_cannot_train_on(size: int, world: int) -> None:
    class Normalized(Blobs):
        def model(self, config: Any) -> nn.Module:
            return nn.Sequential(nn.BatchNorm1d(batch(1)[0].shape[1]), super().model(config))

    task = Normalized()
    for rank in range(world):
        loss = TaskShard(task, rank, world, lambda module: module).loss(task.model({}).train(), batch(size), {})
        assert torch.isfinite(loss)


def test_processes_draw_different_dropout_the_same_way_each_time() -> None:
    def drawn(rank: int, steps: int) -> list[float]:
        torch.manual_seed(1)
        shard, model = TaskShard(Blobs(), rank, 2, lambda module: module), Blobs().model({})
        for _ in range(steps):
            shard.loss(model, batch(4), {})
        return torch.rand(3).tolist()

    torch.manual_seed(1)
    assert drawn(0, 1) == drawn(0, 3)
    assert drawn(0, 1) != drawn(1, 1)
    assert drawn(1, 1) == drawn(1, 3)


def test_what_else_a_task_has_is_its_own() -> None:
    class Named(Blobs):
        def describe(self) -> str:
            return "blobs"

    shard: Any = TaskShard(Named(), 0, 2, lambda module: module)
    assert shard.describe() == "blobs"


def shared_metrics(monkeypatch: pytest.MonkeyPatch, task: Any, size: int, world: int) -> Any:
    """The metrics that each of ``world`` processes has of a batch, which all hand in theirs."""
    model, rows, handed = Blobs().model({}), batch(size), []

    def hand_in(shares: list[Any], own: Any) -> None:
        handed.append(own)
        shares[:] = handed

    monkeypatch.setattr(distributed, "all_gather_object", hand_in)
    for rank in range(world):
        last = TaskShard(task, rank, world, lambda module: module).metrics(model, rows, {})
    return last


def test_a_metric_that_some_processes_lack_is_the_mean_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rare(Blobs):
        def metrics(self, model: nn.Module, batch: Any, config: Any) -> Any:
            first = bool((batch[0][0] == rows[0][0]).all())
            return {"rows": float(len(batch[-1]))} | ({"auc": 0.9} if first else {})

    rows = batch(31)
    found = shared_metrics(monkeypatch, Rare(), 31, 2)
    assert found["auc"] == Weighted(pytest.approx(0.9), 15)
    assert found["rows"] == Weighted(pytest.approx((15 * 15 + 16 * 16) / 31), 31)


def test_objects_that_gather_over_batches_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gathering(Blobs):
        def metrics(self, model: nn.Module, batch: Any, config: Any) -> Any:
            return {"mse": MeanSquaredError()}

    with pytest.raises(
        TaskError, match=r"metrics\(\) returns a MeanSquaredError, .*; return numbers, or write workers: 1"
    ):
        shared_metrics(monkeypatch, Gathering(), 31, 2)
