"""An update: the gradient of a batch, however it is cut."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from trainables.data import Data
from trainables.errors import TaskError
from trainables.loop.precision import Precision
from trainables.loop.update import Update
from trainables.recipe import Recipe
from trainables.task import Task


class Pairs(Task):
    def data(self) -> Data:
        raise NotImplementedError

    def model(self, config: Any) -> nn.Module:
        return nn.Linear(3, 2, dtype=torch.float64)


def stepped(size: int, **config: Any) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    """The loss and the weights after a step on a batch of ``size``, and the sizes of its pieces."""
    torch.manual_seed(0)
    task, recipe = Pairs(), Recipe.parse({"optimizer": "sgd", "lr": 1.0, **config})
    model, batch = task.model(config), (torch.randn(size, 3, dtype=torch.float64), torch.arange(size) % 2)
    pieces: list[int] = []
    model.register_forward_hook(lambda _model, given, _result: pieces.append(len(given[0])))
    loss = Update(task, config, recipe, Precision("fp32", torch.device("cpu")))(
        model, recipe.build_optimizer(model), batch
    )
    return loss, model.weight.detach().clone(), pieces


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 12])
@pytest.mark.parametrize("accumulate", [2, 4, 6, 12])
def test_micro_batches_give_the_gradient_of_the_batch_also_where_it_is_ragged(size, accumulate):
    loss, weight, _ = stepped(size, batch_size=12)
    cut_loss, cut_weight, pieces = stepped(size, batch_size=12, accumulate=accumulate)
    torch.testing.assert_close(cut_loss, loss)
    torch.testing.assert_close(cut_weight, weight)
    assert sum(pieces) == size
    assert len(pieces) <= accumulate
    assert min(pieces) > 1 or size == 1 or accumulate == 12, "batch norm cannot train on a single example"


def test_the_gradient_is_clipped_as_a_whole():
    _, free, _ = stepped(12, batch_size=12, accumulate=3)
    _, clipped, _ = stepped(12, batch_size=12, accumulate=3, clip_norm=1e-9)
    torch.manual_seed(0)
    begin = Pairs().model({}).weight
    torch.testing.assert_close(clipped, begin, rtol=0, atol=1e-8)
    assert (free - begin).norm() > 0.1


def test_l1_is_a_penalty_beside_the_loss():
    loss, plain, _ = stepped(12, batch_size=12)
    same, penalized, _ = stepped(12, batch_size=12, l1=0.25)
    torch.manual_seed(0)
    assert torch.equal(loss, same)
    torch.testing.assert_close(penalized, plain - 0.25 * Pairs().model({}).weight.sign())


class Normed(Pairs):
    def model(self, config: Any) -> nn.Module:
        return nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)).double()


@pytest.mark.parametrize(
    ("size", "config", "message"),
    [
        (
            8,
            {"batch_size": 8, "accumulate": 8},
            "batch_size 8 with accumulate 8 leaves one .*; use accumulate 4 or less",
        ),
        (9, {"batch_size": 9, "accumulate": 9}, "leaves one each time; use accumulate 3 or less, or raise batch_size"),
        (1, {"batch_size": 1}, "batch_size is 1; raise it"),
        (1, {"batch_size": 8}, "this stage has no more; raise its data"),
        (1, {"batch_size": 8, "accumulate": 2}, "this stage has no more; raise its data"),
    ],
)
def test_batch_norm_on_a_single_example_is_refused_with_the_cure(size, config, message):
    task, recipe = Normed(), Recipe.parse(config)
    model, batch = task.model(config), (torch.randn(size, 3, dtype=torch.float64), torch.arange(size) % 2)
    update = Update(task, config, recipe, Precision("fp32", torch.device("cpu")))
    with pytest.raises(TaskError, match=f"batch norm cannot train on a single example, and .*{message}"):
        update(model, recipe.build_optimizer(model), batch)


def test_other_errors_of_a_loss_are_left_as_they_are():
    class Wrong(Pairs):
        def loss(self, model: nn.Module, batch: Any, config: Any) -> torch.Tensor:
            raise ValueError("no such column")

    recipe = Recipe.parse({"batch_size": 1})
    model = Wrong().model({})
    with pytest.raises(ValueError, match=r"^no such column$"):
        Update(Wrong(), {}, recipe, Precision("fp32", torch.device("cpu")))(
            model, recipe.build_optimizer(model), (torch.ones(1, 3),)
        )
