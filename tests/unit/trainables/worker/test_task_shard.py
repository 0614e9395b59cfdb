"""The shards of several processes make up the whole batch, here one process after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import distributed, nn

from tests.projects.toy import Blobs
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
