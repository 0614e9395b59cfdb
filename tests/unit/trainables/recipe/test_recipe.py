"""The recipe: checked keys, torch's own optimizers, one schedule over a whole climb."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adadelta, Adam, AdamW, RMSprop

from trainables.errors import TaskError
from trainables.recipe import Recipe, misspelt
from trainables.recipe.keys import KEYS
from trainables.recipe.optimizers import OPTIMIZERS, add_l1, weights
from trainables.recipe.schedules import SCHEDULES


def rates(config: dict[str, object], epochs: list[int], ends: bool = False) -> list[float]:
    """The rate of every step, and with ``ends`` that after the last one."""
    recipe = Recipe.parse(config)
    optimizer = recipe.build_optimizer(nn.Linear(2, 2))
    schedule = recipe.build_schedule(optimizer, epochs)
    seen = []
    for steps in epochs:
        for _ in range(steps):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        schedule.end_epoch(1.0)
    return [*seen, optimizer.param_groups[0]["lr"]][: sum(epochs) + ends]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"lr": 0}, "lr is 0; use a number > 0"),
        ({"lr": "0.1"}, "lr is '0.1'; use a number > 0"),
        ({"lr": math.inf}, "lr is inf; use a number > 0"),
        ({"optimizer": "sgd", "momentum": 1.0}, "momentum is 1.0; use a number >= 0 and < 1"),
        (
            {"optimizer": "adam", "momentum": 0.9},
            r"momentum is 0.9, but has no effect with optimizer adam; "
            r"add `when: \{optimizer: \[sgd, momentum, nesterov, rmsprop\]\}`",
        ),
        ({"optimizer": "sgd", "betas": [0.9, 0.99]}, r"no effect with optimizer sgd; add `when: .*\[adamw, adam\]"),
        ({"betas": 0.9}, r"betas is 0.9; use two numbers, e.g. \[0.9, 0.999\]"),
        ({"betas": [0.9, 1]}, "betas/1 is 1; use a number >= 0 and < 1"),
        ({"optimizer": "nesterov", "momentum": 0}, "momentum is 0, but nesterov needs some"),
        ({"optimizer": "adamv"}, r"optimizer is 'adamv' \(did you mean 'adam.*'\?\); allowed: adamw, adam, sgd, mom"),
        ({"step_factor": 0.5}, r"step_factor is 0.5, but has no effect with schedule constant; add `when: .*\[step\]"),
        ({"schedule": "cosine", "plateau_patience": 3}, r"no effect with schedule cosine; .*\[plateau\]"),
        ({"schedule": "exponential", "lr_end": 0}, "lr_end is 0, which the exponential schedule never reaches"),
        ({"schedule": "step", "schedule_period": 30}, "schedule_period is 30; use a number > 0 and <= 1"),
        ({"base_batch_size": 64}, r"no effect with lr_scaling none; add `when: \{lr_scaling: \[linear, sqrt\]\}`"),
        ({"batch_size": 48, "accumulate": 32}, "accumulate is 32, which does not divide batch_size 48; use 16 or"),
        ({"sampling": "balance"}, r"sampling is 'balance' \(did you mean 'balanced'\?\)"),
        ({"precision": "fp8"}, "precision is 'fp8'.*; allowed: auto, fp32, bf16, fp16"),
        ({"reproducible": 1}, "reproducible is 1; use true or false"),
        ({"patience": 0}, "patience is 0; use a whole number >= 1"),
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


def test_numbers_of_numpy_are_numbers():
    config = {"batch_size": np.int64(64), "lr": np.float32(0.5), "momentum": np.float64(0.25), "optimizer": "sgd"}
    recipe = Recipe.parse({**config, "warmup": np.int32(2), "patience": np.uint8(3)})
    assert recipe == Recipe.parse(
        {"batch_size": 64, "lr": 0.5, "momentum": 0.25, "optimizer": "sgd", "warmup": 2, "patience": 3}
    )
    assert {type(value) for value in (recipe.batch_size, recipe.patience)} == {int}
    for wrong in (
        {"batch_size": np.float64(64)},
        {"lr": np.True_},
        {"batch_size": np.True_},
        {"lr": np.float64("nan")},
    ):
        with pytest.raises(TaskError, match="use a"):
            Recipe.parse(wrong)


def test_the_example_of_every_key_is_accepted():
    Recipe.parse({"optimizer": "sgd", "momentum": 0.9, "clip_norm": None, "patience": None, "reproducible": True})
    Recipe.parse({"schedule": "onecycle", "lr_start": 0.1, "lr_end": 1e-3, "lr_scaling": "sqrt", "base_batch_size": 64})


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("sgd", SGD, {"lr": 0.01, "momentum": 0.0, "nesterov": False}),
        ("momentum", SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": False}),
        ("nesterov", SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
        ("adam", Adam, {"lr": 0.001, "betas": (0.9, 0.999)}),
        ("adamw", AdamW, {"lr": 0.001, "betas": (0.9, 0.999)}),
        ("rmsprop", RMSprop, {"lr": 0.01, "momentum": 0.0, "alpha": 0.99}),
        ("adadelta", Adadelta, {"lr": 1.0, "rho": 0.9}),
    ],
)
def test_optimizers_are_torchs_own_with_their_defaults(name, kind, expected):
    built = Recipe.parse({"optimizer": name}).build_optimizer(nn.Linear(2, 2))
    assert type(built) is kind
    assert expected.items() <= built.param_groups[0].items()


def test_momentum_and_betas_reach_the_optimizer():
    for name in ("sgd", "momentum", "nesterov", "rmsprop"):
        built = Recipe.parse({"optimizer": name, "momentum": 0.7}).build_optimizer(nn.Linear(2, 2))
        assert built.param_groups[0]["momentum"] == 0.7
    built = Recipe.parse({"optimizer": "adam", "betas": [0.8, 0.95]}).build_optimizer(nn.Linear(2, 2))
    assert built.param_groups[0]["betas"] == (0.8, 0.95)


def test_sparse_gradients_are_taken():
    model = nn.Embedding(5, 2, sparse=True)
    optimizer = Recipe.parse({"optimizer": "sgd"}).build_optimizer(model)
    model(torch.tensor([1])).sum().backward()
    before = model.weight.detach().clone()
    optimizer.step()
    assert not torch.equal(model.weight, before)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_biases_and_norms_do_not_decay(optimizer):
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    built = Recipe.parse({"optimizer": optimizer, "weight_decay": 0.1}).build_optimizer(model)
    decay = {id(p): group["weight_decay"] for group in built.param_groups for p in group["params"]}
    assert [decay[id(p)] for p in model.parameters()] == [0.1, 0.0, 0.0, 0.0]


def test_norms_and_biases_of_several_dimensions_do_not_decay_either():
    model = nn.ModuleDict(
        {
            "linear": nn.Linear(3, 3),
            "layer": nn.LayerNorm([3, 4]),
            "rms": nn.RMSNorm([3, 4]),
            "batch": nn.BatchNorm2d(3),
            "instance": nn.InstanceNorm2d(3, affine=True),
            "attention": nn.MultiheadAttention(4, 2, add_bias_kv=True),
        }
    )
    expected = {"linear.weight", "attention.in_proj_weight", "attention.out_proj.weight"}
    built = Recipe.parse({"weight_decay": 0.1}).build_optimizer(model)
    decayed = {id(p) for group in built.param_groups if group["weight_decay"] for p in group["params"]}
    assert {name for name, p in model.named_parameters() if id(p) in decayed} == expected
    assert {id(p) for p in weights(model)} == decayed, "L1 holds for the same"
    assert sum(len(group["params"]) for group in built.param_groups) == len(list(model.parameters()))


def test_lazy_modules_decay_like_those_of_a_known_shape():
    model = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.LazyLinear(2))
    built = Recipe.parse({"weight_decay": 0.1}).build_optimizer(model)
    model(torch.ones(3, 5))
    decayed = [id(p) for group in built.param_groups if group["weight_decay"] for p in group["params"]]
    assert decayed == [id(model[0].weight), id(model[2].weight)] == [id(p) for p in weights(model)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_complex_parameters_are_trained(optimizer):
    model = nn.Linear(2, 2, dtype=torch.complex64)
    built = Recipe.parse({"optimizer": optimizer, "weight_decay": 0.1, "lr": 0.1}).build_optimizer(model)
    before = model.weight.detach().clone()
    for _ in range(2):
        built.zero_grad()
        model(torch.ones(1, 2, dtype=torch.complex64)).abs().sum().backward()
        add_l1(weights(model), 0.1)
        built.step()
    assert not torch.equal(model.weight, before)
    assert torch.isfinite(torch.view_as_real(model.weight)).all()


def test_without_decay_all_parameters_are_of_one_group():
    assert len(Recipe().build_optimizer(nn.Linear(3, 3)).param_groups) == 1


def test_decay_is_decoupled_for_adamw_only():
    """One step on a zero gradient shrinks a weight by lr · decay if decoupled, and by lr · sign if in the gradient."""
    for name, expected in (("adamw", 1 - 0.1 * 0.5), ("adam", 1 - 0.1), ("sgd", 1 - 0.1 * 0.5)):
        model = nn.Linear(1, 1, bias=False)
        nn.init.ones_(model.weight)
        optimizer = Recipe.parse({"optimizer": name, "lr": 0.1, "weight_decay": 0.5}).build_optimizer(model)
        model.weight.grad = torch.zeros_like(model.weight)
        optimizer.step()
        assert model.weight.item() == pytest.approx(expected, rel=1e-5)


def test_cosine_falls_from_lr_to_almost_nothing_over_all_epochs():
    seen = rates({"lr": 0.5, "schedule": "cosine"}, [2, 2, 6])
    assert seen == pytest.approx([0.25 * (1 + math.cos(math.pi * step / 10)) for step in range(10)])


def test_linear_and_exponential_end_at_their_share_of_lr():
    seen = rates({"lr": 2.0, "schedule": "linear", "lr_end": 0.5}, [4, 4], ends=True)
    assert seen == pytest.approx([2.0 - step / 8 for step in range(9)])
    seen = rates({"lr": 2.0, "schedule": "exponential", "lr_end": 0.25}, [1, 3], ends=True)
    assert seen == pytest.approx([2.0 * 0.25 ** (step / 4) for step in range(5)])


def test_steps_fall_by_their_factor_after_each_period():
    seen = rates({"lr": 1.0, "schedule": "step", "schedule_period": 0.25, "step_factor": 0.5}, [4, 4])
    assert seen == pytest.approx([1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125])


def test_restarts_make_whole_cycles_by_default_and_grow():
    seen = rates({"lr": 1.0, "schedule": "restarts"}, [14], ends=True)
    assert [step for step, rate in enumerate(seen) if rate == 1.0] == [0, 2, 6, 14]
    even = rates({"lr": 1.0, "schedule": "restarts", "schedule_period": 0.25, "restart_growth": 1}, [8], ends=True)
    assert even == pytest.approx([1.0, 0.5] * 4 + [1.0])


@pytest.mark.parametrize("steps", [14, 49, 50, 51, 52, 53, 54, 55, 1000])
def test_the_last_of_the_whole_cycles_ends_with_the_last_step(steps):
    seen = rates({"lr": 1.0, "schedule": "restarts"}, [steps])
    assert seen[-1] == pytest.approx((1 + math.cos(math.pi * (1 - 7 / 4 / steps))) / 2)
    restarts = [step for step in range(1, steps) if seen[step] > seen[step - 1]]
    assert restarts == [math.ceil(steps / 7), math.ceil(3 * steps / 7)]


def test_cycles_swing_between_their_low_rate_and_lr():
    seen = rates({"lr": 1.0, "schedule": "cyclic", "lr_start": 0.2, "schedule_period": 0.5}, [8], ends=True)
    assert seen == pytest.approx([0.2, 0.6, 1.0, 0.6, 0.2, 0.6, 1.0, 0.6, 0.2])


def test_a_plateau_is_left_per_epoch_and_only_after_the_warm_up():
    config = {"lr": 1.0, "schedule": "plateau", "plateau_patience": 1, "plateau_factor": 0.5, "plateau_min_lr": 0.3}
    assert rates(config, [1] * 7) == pytest.approx([1.0, 1.0, 1.0, 0.5, 0.5, 0.3, 0.3])
    assert rates({**config, "warmup": 2}, [1] * 7) == pytest.approx([1 / 3, 2 / 3, 1.0, 1.0, 0.5, 0.5, 0.3])


def test_a_plateau_compares_within_a_stage():
    recipe = Recipe.parse({"schedule": "plateau", "plateau_patience": 0, "lr": 1.0})
    optimizer = recipe.build_optimizer(nn.Linear(2, 2))
    schedule = recipe.build_schedule(optimizer, [1] * 4)
    schedule.end_epoch(0.1)
    schedule.begin_stage()
    schedule.end_epoch(0.5)
    assert optimizer.param_groups[0]["lr"] == 1.0
    schedule.end_epoch(0.6)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


@pytest.mark.parametrize("schedule", [name for name in SCHEDULES if name != "onecycle"])
def test_every_schedule_begins_where_the_warm_up_ends(schedule):
    plain = rates({"lr": 0.8, "schedule": schedule}, [2] * 6)
    warm = rates({"lr": 0.8, "schedule": schedule, "warmup": 2}, [2] * 8)
    assert warm[:4] == pytest.approx([plain[0] * share for share in (0.2, 0.4, 0.6, 0.8)])
    if schedule != "plateau":
        assert warm[4:] == pytest.approx(plain)


def test_warm_up_counts_epochs_or_a_fraction_and_rises_linearly():
    by_epochs = rates({"lr": 1.0, "warmup": 1.5}, [2, 4, 4])
    by_fraction = rates({"lr": 1.0, "warmup": 0.4}, [2, 4, 4])
    assert by_epochs == by_fraction == pytest.approx([0.2, 0.4, 0.6, 0.8] + [1.0] * 6)


def test_warm_up_of_all_epochs_is_refused():
    with pytest.raises(TaskError, match="warmup is 3 epochs of 3; use fewer"):
        rates({"warmup": 3}, [2, 2, 2])


def test_warm_up_longer_than_the_first_stage_is_refused():
    recipe = Recipe.parse({"warmup": 2.5})
    recipe.check_warmup([3, 4])
    with pytest.raises(TaskError, match=r"warmup is 2.5 epochs, but the stage it begins in has 2 .* use at most 2"):
        recipe.check_warmup([2, 4])
    Recipe.parse({"warmup": 0.9}).check_warmup([1, 9])


def test_the_rate_scales_with_the_batch():
    for scaling, expected in (("none", 0.1), ("linear", 0.4), ("sqrt", 0.2)):
        config = {"lr": 0.1, "batch_size": 512, "lr_scaling": scaling}
        assert Recipe.parse(config).build_optimizer(nn.Linear(2, 2)).param_groups[0]["lr"] == pytest.approx(expected)
        assert max(rates({**config, "schedule": "onecycle"}, [20])) == pytest.approx(expected)
    assert Recipe.parse({"lr": 0.1, "batch_size": 32, "base_batch_size": 64, "lr_scaling": "linear"}).peak == 0.05


def test_l1_adds_the_sign_of_weights_alone():
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    add_l1(weights(model), 0.5)
    assert torch.equal(model[0].weight.grad, 1 + 0.5 * model[0].weight.sign())
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in list(model.parameters())[1:])


def test_names_close_to_a_key_are_told():
    assert misspelt(["learning_rate", "weight_decy", "accumulate_grad_batches", "plateau_factr", "hidden", "lr"]) == {
        "learning_rate": "lr",
        "weight_decy": "weight_decay",
        "accumulate_grad_batches": "accumulate",
        "plateau_factr": "plateau_factor",
    }


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


def test_the_table_in_the_docstring_has_a_row_for_every_key_in_the_order_of_the_keys():
    table = (Recipe.__doc__ or "").splitlines()
    columns = [
        match.span() for match in re.finditer("=+", next(line for line in table if line.strip().startswith("==")))
    ]
    rows = [[line[start:end].strip() for start, end in columns] for line in table if line.startswith("    ``")]
    assert [row[0].strip("`") for row in rows] == list(KEYS)
    assert all(all(row) for row in rows)
