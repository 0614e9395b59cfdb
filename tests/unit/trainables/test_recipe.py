"""The recipe: checked keys, torch's own optimizers, one schedule over a whole climb."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from trainables.errors import TaskError
from trainables.recipe import Recipe


def rates(config: dict[str, object], epochs: list[int]) -> list[float]:
    recipe = Recipe.parse(config)
    optimizer = recipe.build_optimizer(nn.Linear(2, 2))
    schedule = recipe.build_schedule(optimizer, epochs)
    seen = []
    for _ in range(sum(epochs)):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"lr": 0}, "lr is 0; use a number > 0"),
        ({"lr": "0.1"}, "lr is '0.1'; use a number > 0"),
        ({"lr": math.inf}, "lr is inf; use a number > 0"),
        ({"optimizer": "sgd", "momentum": 1.0}, "momentum is 1.0; use a number >= 0 and < 1"),
        ({"optimizer": "adam", "momentum": 0.9}, r"adam has none; add `when: \{optimizer: \[sgd\]\}`"),
        ({"optimizer": "adamv"}, r"optimizer is 'adamv' \(did you mean 'adam.*'\?\); allowed: adamw, adam, sgd"),
        ({"schedule": "cosin"}, r"schedule is 'cosin' \(did you mean 'cosine'\?\)"),
        ({"weight_decay": -1e-3}, "weight_decay is -0.001; use a number >= 0"),
        ({"batch_size": 0}, "batch_size is 0; use a whole number >= 1"),
        ({"batch_size": 32.0}, "batch_size is 32.0; use a whole number >= 1"),
        ({"batch_size": True}, "batch_size is True; use a whole number >= 1"),
        ({"clip_norm": 0}, "clip_norm is 0; use a number > 0"),
        ({"label_smoothing": 1}, "label_smoothing is 1; use a number >= 0 and < 1"),
    ],
)
def test_a_bad_value_is_refused_with_key_value_and_what_is_allowed(config, message):
    with pytest.raises(TaskError, match=message):
        Recipe.parse(config)


def test_keys_of_the_task_are_its_own():
    assert Recipe.parse({"hidden": "anything"}) == Recipe()


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_biases_and_norms_do_not_decay(optimizer):
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    built = Recipe.parse({"optimizer": optimizer, "weight_decay": 0.1}).build_optimizer(model)
    decay = {id(p): group["weight_decay"] for group in built.param_groups for p in group["params"]}
    assert [decay[id(p)] for p in model.parameters()] == [0.1, 0.0, 0.0, 0.0]


def test_decay_is_decoupled_for_adamw_only():
    """One step on a zero gradient shrinks a weight by lr · decay if decoupled, and by lr · sign if in the gradient."""
    for name, expected in (("adamw", 1 - 0.1 * 0.5), ("adam", 1 - 0.1)):
        model = nn.Linear(1, 1, bias=False)
        nn.init.ones_(model.weight)
        optimizer = Recipe.parse({"optimizer": name, "lr": 0.1, "weight_decay": 0.5}).build_optimizer(model)
        model.weight.grad = torch.zeros_like(model.weight)
        optimizer.step()
        assert model.weight.item() == pytest.approx(expected, rel=1e-5)


def test_cosine_falls_from_lr_to_almost_nothing_over_all_epochs():
    seen = rates({"lr": 0.5, "schedule": "cosine"}, [2, 2, 6])
    assert seen == pytest.approx([0.25 * (1 + math.cos(math.pi * step / 10)) for step in range(10)])


def test_warm_up_counts_epochs_or_a_fraction_and_rises_linearly():
    by_epochs = rates({"lr": 1.0, "warmup": 1.5}, [2, 4, 4])
    by_fraction = rates({"lr": 1.0, "warmup": 0.4}, [2, 4, 4])
    assert by_epochs == by_fraction == pytest.approx([0.2, 0.4, 0.6, 0.8] + [1.0] * 6)


def test_warm_up_of_all_epochs_is_refused():
    with pytest.raises(TaskError, match="warmup is 3 epochs of 3; use fewer"):
        rates({"warmup": 3}, [2, 2, 2])


def test_onecycle_rises_to_lr_in_the_warm_up_and_falls_over_the_rest():
    seen = rates({"lr": 0.1, "schedule": "onecycle", "warmup": 1}, [5, 15])
    assert seen.index(max(seen)) == 4
    assert max(seen) == pytest.approx(0.1)
    assert seen[4:] == sorted(seen[4:], reverse=True)
    assert seen[-1] < 1e-5


@pytest.mark.parametrize("epochs", [[1], [2], [3], [1, 1, 1, 1]])
@pytest.mark.parametrize("warmup", [0.0, 0.25, 0.5, 0.99])
def test_onecycle_works_however_short(epochs, warmup):
    seen = rates({"lr": 0.1, "schedule": "onecycle", "warmup": warmup}, epochs)
    assert all(0 <= rate <= 0.1 + 1e-9 for rate in seen)


def test_onecycle_leaves_the_momentum_as_given():
    recipe = Recipe.parse({"schedule": "onecycle", "optimizer": "sgd", "momentum": 0.5})
    optimizer = recipe.build_optimizer(nn.Linear(2, 2))
    recipe.build_schedule(optimizer, [10])
    assert optimizer.param_groups[0]["momentum"] == 0.5


@pytest.mark.parametrize(("examples", "steps"), [(1, 1), (2, 1), (31, 1), (32, 1), (33, 1), (34, 2), (64, 2)])
def test_a_last_batch_of_one_example_is_left_out(examples, steps):
    assert Recipe.parse({"batch_size": 32}).steps(examples) == steps


def test_a_model_without_parameters_is_refused():
    with pytest.raises(TaskError, match="Identity has no parameters to train"):
        Recipe().build_optimizer(nn.Identity())
