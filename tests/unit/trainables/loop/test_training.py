"""The loop: resumes bit for bit, one schedule per climb, data order and dropout from seed and epoch alone."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from tests.projects.toy import Blobs
from trainables.data import Data
from trainables.errors import Diverged, TaskError
from trainables.loop.feed import TIMINGS
from trainables.loop.training import Training
from trainables.recipe.optimizers import OPTIMIZERS
from trainables.recipe.schedules import SCHEDULES
from trainables.stages import Plan, Stage
from trainables.worker import checkpoint
from trainables.worker.resolve import resolve

FIVE = Plan((Stage(0.3, 2), Stage(1.0, 3)))


@pytest.fixture(scope="module")
def task(project: Path) -> Any:
    return resolve("blobs:Blobs", str(project))


def run(training: Training, epochs: int) -> list[dict[str, float]]:
    return [training.run_epoch() for _ in range(epochs)]


def parameters(training: Training) -> dict[str, torch.Tensor]:
    return training.state()["model"]


def assert_same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    assert all(torch.equal(left[name], right[name]) for name in left)


def assert_resumes(task: Any, folder: Path, config: dict[str, Any], plan: Plan, cuts: Iterable[int]) -> None:
    """A training cut after each of ``cuts`` epochs and taken up by another object is bit for bit the straight one."""
    epochs = sum(stage.epochs for stage in plan.stages)
    straight = Training(task, task.data(), config, plan, seed=5)
    expected = run(straight, epochs)
    for cut in cuts:
        first = Training(task, task.data(), config, plan, seed=5)
        run(first, cut)
        checkpoint.write(folder, first.state())
        second = Training(task, task.data(), config, plan, seed=5)
        second.load(checkpoint.read(folder) or {})
        assert run(second, epochs - cut) == expected[cut:]
        assert_same(parameters(second), parameters(straight))
        assert second.state()["optimizer"]["param_groups"] == straight.state()["optimizer"]["param_groups"]
        assert second.state()["schedule"] == straight.state()["schedule"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_optimizer_resumes_with_every_schedule_inside_a_stage(task, tmp_path, optimizer, schedule):
    config = {"optimizer": optimizer, "schedule": schedule, "lr": 0.02, "batch_size": 16, "clip_norm": 1}
    # The cut after two epochs is in the warm-up, the one after three in what follows, both inside the second stage.
    config |= {"warmup": 0.6} | ({"plateau_patience": 0, "plateau_threshold": 0.9} if schedule == "plateau" else {})
    assert_resumes(task, tmp_path, config, Plan((Stage(0.3, 1), Stage(1.0, 3))), cuts=(2, 3))


@pytest.mark.parametrize("start", ["continue", "fresh"])
@pytest.mark.parametrize(
    "more",
    [
        {"optimizer": "momentum", "schedule": "cosine"},
        {"accumulate": 2, "l1": 1e-3, "weight_decay": 0.1, "schedule": "onecycle"},
        {"sampling": "balanced", "precision": "bf16", "lr_scaling": "sqrt"},
        {"sampling": "oversample", "reproducible": True, "channels_last": True},
        {"patience": 1, "schedule": "plateau", "plateau_patience": 0},
    ],
)
def test_five_epochs_equal_some_then_the_rest_of_another_object(task, tmp_path, start, more):
    plan = Plan((Stage(0.3, 2), Stage(1.0, 3, start=start)))
    assert_resumes(task, tmp_path, {"lr": 0.02, "batch_size": 8, **more}, plan, cuts=range(1, 5))


class Lazy(Blobs):
    """Its layers have no shape before the first batch."""

    def model(self, config: Any) -> nn.Module:
        return nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.Tanh(), nn.LazyLinear(2))


@pytest.mark.parametrize("more", [{"l1": 1e-3}, {"patience": 1}, {"clip_norm": 1}])
def test_lazy_models_decay_and_resume(tmp_path, more):
    plan = Plan((Stage(0.3, 2), Stage(1.0, 2, start="fresh")))
    config = {"lr": 0.02, "weight_decay": 0.5, **more}
    assert_resumes(Lazy(), tmp_path, config, plan, cuts=range(4))
    plain, decayed = (Training(Lazy(), Lazy().data(), {**config, "weight_decay": w}, FIVE, 1) for w in (0.0, 0.5))
    assert run(plain, 2) != run(decayed, 2)
    with pytest.raises(TaskError, match="channels_last is true, but the model has lazy layers"):
        Training(Lazy(), Lazy().data(), {"channels_last": True}, plan, 1)


def test_the_seed_decides_everything(task):
    same, again, other = (Training(task, task.data(), {"batch_size": 8}, FIVE, seed) for seed in (1, 1, 2))
    assert run(same, 3) == run(again, 3)
    assert run(other, 3) != run(again, 0) + run(Training(task, task.data(), {"batch_size": 8}, FIVE, 1), 3)


def test_draws_between_epochs_change_nothing(task):
    quiet, noisy = (Training(task, task.data(), {"batch_size": 8}, FIVE, 1) for _ in range(2))
    expected = run(quiet, 5)
    seen = []
    for _ in range(5):
        torch.rand(7)
        seen.append(noisy.run_epoch())
    assert seen == expected


def test_stages_use_their_share_and_fresh_ones_start_anew(task):
    plan = Plan((Stage(0.3, 2), Stage(1.0, 3, start="fresh")))
    climbing = Training(task, task.data(), {"batch_size": 8}, plan, 4)
    run(climbing, 2)
    assert (climbing.stage, climbing.done) == (0, 2)
    run(climbing, 3)
    assert (climbing.stage, climbing.done) == (1, 3)
    steps = climbing.state()["schedule"]["last_epoch"]
    assert steps == 3 * 8  # 60 examples in batches of 8; the first stage's steps are forgotten
    continuing = Training(task, task.data(), {"batch_size": 8}, FIVE, 4)
    run(continuing, 5)
    assert continuing.state()["schedule"]["last_epoch"] == 2 * 3 + 3 * 8  # and 18 of them in the first


def test_one_cosine_spans_the_whole_climb(task):
    training = Training(task, task.data(), {"batch_size": 8, "schedule": "cosine", "lr": 1.0}, FIVE, 4)
    rates = []
    for _ in range(5):
        training.run_epoch()
        rates.append(training.state()["optimizer"]["param_groups"][0]["lr"])
    assert rates == sorted(rates, reverse=True)
    assert rates[1] > 0.85
    assert rates[4] == pytest.approx(0.0, abs=1e-12)


def test_the_schedule_moves_on_over_a_skipped_stage(task):
    plan = Plan((Stage(0.3, 2), Stage(0.6, 2), Stage(1.0, 3)))
    config = {"batch_size": 8, "schedule": "cosine", "lr": 0.1}
    whole, short = (
        Training(task, task.data(), config, plan, 4),
        Training(task, task.data(), config, plan.without([1]), 4),
    )
    run(whole, 7)
    run(short, 5)
    assert short.stage == 2
    assert short.state()["schedule"]["last_epoch"] == whole.state()["schedule"]["last_epoch"]
    late = Training(task, task.data(), config, plan.without([0]), 4)
    run(late, 5)
    assert late.state()["schedule"]["last_epoch"] == 2 * 5 + 3 * 8, "what is skipped at the start is no part of it"
    for training in (whole, short, late):
        assert training.state()["optimizer"]["param_groups"][0]["lr"] == pytest.approx(0.0, abs=1e-12)


def test_a_skipped_fresh_start_holds_for_the_next_stage(task):
    plan = Plan((Stage(0.3, 2), Stage(0.6, 3, start="fresh"), Stage(1.0, 3)))
    skipping = Training(task, task.data(), {"batch_size": 8}, plan.without([1]), 4)
    anew = Training(task, task.data(), {"batch_size": 8}, plan.without([0, 1]), 4)
    run(skipping, 2)
    assert run(skipping, 3) == run(anew, 3)


def test_a_nan_loss_fails_at_once_with_the_numbers(project):
    poisoned = resolve("blobs:Poisoned", str(project))
    training = Training(poisoned, poisoned.data(), {"poison": 4, "batch_size": 8, "lr": 0.1}, FIVE, 0)
    training.run_epoch()
    with pytest.raises(Diverged, match=r"loss became nan in epoch 2 by step 3 of 3 \(lr 0.1\); lower lr"):
        training.run_epoch()


def test_a_dataset_trains_like_arrays(task):
    data = task.data()
    sets: list[Dataset[Any]] = [TensorDataset(*data.train), TensorDataset(*data.validation)]
    slow = Training(task, Data(*sets, labels=data.labels), {"batch_size": 8}, FIVE, 3)
    fast = Training(task, data, {"batch_size": 8}, FIVE, 3)
    seen = run(slow, 3)
    assert [{k: v for k, v in metrics.items() if k not in TIMINGS} for metrics in seen] == run(fast, 3)
    assert all(0 <= metrics["loader_wait"] < 60 for metrics in seen)
    assert_same(parameters(slow), parameters(fast))


def test_metrics_are_means_over_all_of_the_validation_data(task, monkeypatch):
    whole = Training(task, task.data(), {"batch_size": 8}, FIVE, 3).run_epoch()
    monkeypatch.setattr("trainables.loop.training.VALIDATION_BATCH", 7)
    parts = Training(task, task.data(), {"batch_size": 8}, FIVE, 3).run_epoch()
    assert set(whole) == {"train_loss", "val_loss", "val_accuracy"}
    assert parts == pytest.approx(whole)


def test_label_smoothing_reaches_the_training_loss_but_not_the_validation_loss(task):
    plain, smooth = (
        Training(task, task.data(), {"batch_size": 64, "lr": 1e-12, "label_smoothing": s}, FIVE, 3).run_epoch()
        for s in (0.0, 0.4)
    )
    assert plain["train_loss"] != smooth["train_loss"]
    assert plain["val_loss"] == pytest.approx(smooth["val_loss"])


@pytest.mark.parametrize(
    ("method", "value", "message"),
    [
        ("model", "a net", "model\\(config\\) returned a str; return a torch.nn.Module"),
        ("loss", torch.ones(3, requires_grad=True), "loss\\(\\) returned a tensor of shape \\(3,\\); return a scalar"),
        ("loss", 1.0, "loss\\(\\) returned a float; return a scalar tensor"),
    ],
)
def test_a_task_that_returns_the_wrong_thing_is_told(project, method, value, message):
    task = resolve("blobs:Blobs", str(project))
    setattr(task, method, lambda *_: value)
    with pytest.raises(TaskError, match=message):
        Training(task, task.data(), {}, FIVE, 0).run_epoch()


class Still(Blobs):
    """Without batch norm and dropout, so that nothing depends on how a batch is cut."""

    def model(self, config: Any) -> nn.Module:
        return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))


@pytest.mark.parametrize("batch_size", [16, 64])
def test_accumulating_equals_the_large_batch(batch_size):
    """400 examples make a ragged last batch of 16 of 64, and none with 16."""
    task = Still()
    whole, cut = (
        Training(task, task.data(), {"batch_size": batch_size, "accumulate": n, "clip_norm": 0.5, "lr": 0.01}, FIVE, 3)
        for n in (1, 8)
    )
    for left, right in zip(run(whole, 5), run(cut, 5), strict=True):
        assert left == pytest.approx(right, rel=1e-4)
    for name, value in parameters(whole).items():
        torch.testing.assert_close(value, parameters(cut)[name], rtol=1e-3, atol=1e-5)


def script(training: Training, losses: list[float]) -> None:
    """Let the validation losses of ``training`` be these."""
    coming = iter(losses)
    training._validate = lambda: {"val_loss": next(coming)}  # type: ignore[method-assign]


def test_a_stage_whose_patience_ran_out_ends_with_its_best_weights(task):
    plan = Plan((Stage(0.5, 6), Stage(1.0, 6)))
    config = {"batch_size": 8, "schedule": "cosine", "patience": 2, "lr": 0.1}
    training = Training(task, task.data(), config, plan, 3)
    script(training, [0.5, 0.4, 0.6, 0.4, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    run(training, 2)
    best = {name: value.clone() for name, value in parameters(training).items()}
    run(training, 2)
    assert (training.stage, training.done) == (0, 4)
    assert not all(torch.equal(best[name], value) for name, value in parameters(training).items())
    resumed = Training(task, task.data(), config, plan, 3)
    resumed.load(copy.deepcopy(training.state()))
    for each in (training, resumed):
        assert each.run_epoch()["val_loss"] == 0.4
        assert (each.stage, each.done) == (0, 6)
        assert_same(parameters(each), best)
        assert each.state()["schedule"]["last_epoch"] == 6 * 4
    run(training, 6)
    assert (training.stage, training.done) == (1, 6), "a new stage is compared with itself alone"
    assert training.state()["schedule"]["last_epoch"] == 6 * 4 + 6 * 8


@pytest.mark.parametrize(("epochs", "reported", "kept"), [(4, 5, 4), (5, 1, 3), (6, 1, 3)])
def test_patience_may_run_out_with_the_last_epoch(task, epochs, reported, kept):
    """The weights that a stage ends with are those of the epoch it reports last."""
    plan = Plan((Stage(0.5, epochs), Stage(1.0, 6)))
    config = {"batch_size": 8, "schedule": "cosine", "patience": 2, "lr": 0.1}
    training = Training(task, task.data(), config, plan, 3)
    script(training, [3, 2, 1, 5, 6, 4, 4, 4])
    seen, weights = [], []
    while training.stage == 0 and training.done < epochs:
        seen.append(training.run_epoch())
        weights.append({name: value.clone() for name, value in parameters(training).items()})
    assert seen[-1]["val_loss"] == reported
    assert seen[-1] == seen[kept - 1]
    assert_same(weights[-1], weights[kept - 1])
    assert training.state()["schedule"]["last_epoch"] == epochs * 4
    resumed = Training(task, task.data(), config, plan, 3)
    resumed.load(copy.deepcopy(training.state()))
    script(resumed, [4, 4, 4])
    assert resumed.run_epoch()["train_loss"] == training.run_epoch()["train_loss"]
    assert (resumed.stage, resumed.done) == (training.stage, training.done) == (1, 1)
    assert_same(parameters(resumed), parameters(training))


def test_patience_needs_a_validation_loss(task):
    training = Training(task, task.data(), {"patience": 2}, FIVE, 3)
    training._validate = lambda: {"val_bleu": 1.0}  # type: ignore[method-assign]
    with pytest.raises(TaskError, match="patience is 2, but the task reports no val_loss, only train_loss, val_bleu"):
        training.run_epoch()


@pytest.mark.parametrize("start", ["continue", "fresh"])
def test_a_warm_up_longer_than_a_stage_is_found_before_any_training(task, start):
    plan = Plan((Stage(0.3, 4), Stage(1.0, 2, start=start)))
    Training(task, task.data(), {"warmup": 0.5}, plan, 0)
    with pytest.raises(TaskError, match="warmup is 5 epochs"):
        Training(task, task.data(), {"warmup": 5}, plan, 0)
    if start == "fresh":
        with pytest.raises(TaskError, match="warmup is 2 epochs of 2"):
            Training(task, task.data(), {"warmup": 2}, plan, 0)


def test_sampling_needs_labels(task):
    data = task.data()
    unlabelled = Data((data.train[0], data.train[0]), data.validation)
    with pytest.raises(TaskError, match="sampling is 'balanced', but the data has no class labels"):
        Training(task, unlabelled, {"sampling": "balanced"}, FIVE, 0)


def test_reproducible_arithmetic_is_of_its_trial_alone(task):
    training = Training(task, task.data(), {"batch_size": 8, "reproducible": True}, FIVE, 0)
    seen = []
    original = training._train
    training._train = lambda *given: (
        seen.append(  # type: ignore[method-assign]
            torch.are_deterministic_algorithms_enabled()
        )
        or original(*given)
    )
    training.run_epoch()
    assert seen == [True]
    assert not torch.are_deterministic_algorithms_enabled()


SCALED = (("batch_size", 0.5), ("lr", 0.25), ("weight_decay", -0.5), ("l1", 0.5))


@pytest.mark.parametrize("start", ["continue", "fresh"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_training_with_a_transfer_resumes_bit_for_bit(task, tmp_path, schedule, start):
    plan = Plan((Stage(0.3, 2), Stage(0.5, 1), Stage(1.0, 2, start=start)), transfer=SCALED)
    config = {"lr": 0.02, "batch_size": 16, "accumulate": 2, "weight_decay": 0.1, "l1": 1e-3, "schedule": schedule}
    assert_resumes(task, tmp_path, config, plan, cuts=range(1, 5))


def test_a_stage_trains_as_a_config_of_its_own_values_does(task):
    """Up to the stage's end nothing but the values counts: those that are derived train as those that are given."""
    config = {"lr": 0.04, "batch_size": 16, "weight_decay": 0.5, "optimizer": "momentum"}
    plan = Plan((Stage(0.25, 3), Stage(1.0, 1)), transfer=(("batch_size", 0.5), ("lr", 0.5), ("weight_decay", -0.5)))
    derived = Training(task, task.data(), config, plan, seed=5)
    own = {**config, "lr": 0.02, "batch_size": 8, "weight_decay": 1.0}
    given = Training(task, task.data(), own, Plan(plan.stages), seed=5)
    assert run(derived, 3) == run(given, 3)
    assert_same(parameters(derived), parameters(given))


def test_a_stage_on_all_data_trains_with_the_config_and_its_schedule_counts_the_steps_that_there_are(task):
    plan = Plan((Stage(0.25, 2), Stage(1.0, 3)), transfer=(("batch_size", 0.5), ("lr", 0.5)))
    training = Training(task, task.data(), {"lr": 0.04, "batch_size": 20, "schedule": "linear"}, plan, seed=5)
    run(training, 2)
    [group] = training.state()["optimizer"]["param_groups"]
    assert training.state()["schedule"]["last_epoch"] == 2 * 2  # 15 examples in batches of 10, not of 20.
    assert group["lr"] == pytest.approx(0.04 * (1 - 4 / 13))  # The schedule's own, not the stage's half of it.
    run(training, 3)
    assert training.state()["schedule"]["last_epoch"] == 2 * 2 + 3 * 3
