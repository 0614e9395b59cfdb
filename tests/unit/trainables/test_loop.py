"""The loop: resumes bit for bit, one schedule per climb, data order and dropout from seed and epoch alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

from trainables import checkpoint
from trainables.data import Data
from trainables.errors import Diverged, TaskError
from trainables.loop import Training
from trainables.resolve import resolve
from trainables.stages import Plan, Stage

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


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "onecycle"])
@pytest.mark.parametrize("start", ["continue", "fresh"])
def test_five_epochs_equal_two_then_three_of_another_object(task, tmp_path, optimizer, schedule, start):
    plan = Plan((Stage(0.3, 2), Stage(1.0, 3, start=start)))
    config = {"optimizer": optimizer, "schedule": schedule, "lr": 0.02, "batch_size": 8, "warmup": 0.2, "clip_norm": 1}
    straight = Training(task, task.data(), config, plan, seed=5)
    expected = run(straight, 5)
    for cut in range(1, 5):
        first = Training(task, task.data(), config, plan, seed=5)
        run(first, cut)
        checkpoint.write(tmp_path, first.state())
        second = Training(task, task.data(), config, plan, seed=5)
        second.load(checkpoint.read(tmp_path) or {})
        assert run(second, 5 - cut) == expected[cut:]
        assert_same(parameters(second), parameters(straight))


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
    assert run(slow, 3) == run(fast, 3)
    assert_same(parameters(slow), parameters(fast))


def test_metrics_are_means_over_all_of_the_validation_data(task, monkeypatch):
    whole = Training(task, task.data(), {"batch_size": 8}, FIVE, 3).run_epoch()
    monkeypatch.setattr("trainables.loop.VALIDATION_BATCH", 7)
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
