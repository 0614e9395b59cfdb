"""The reference task: its data is fixed, and a sensible config learns it within its example plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

import trainables.tasks.digits as module
from trainables.loop.training import Training
from trainables.stages import Plan, Stage


def test_the_split_is_stratified_and_always_the_same():
    data, again = module.Digits().data(), module.Digits().data()
    assert np.array_equal(data.train[1], again.train[1])
    assert (len(data.train[1]), len(data.validation[1])) == (1437, 360)
    assert np.bincount(data.validation[1]).min() >= 34


def test_a_sensible_config_learns_the_digits_within_the_example_plan():
    sweep = yaml.safe_load(Path(module.__file__).with_suffix(".yaml").read_text())
    assert sweep["task"] == f"{module.__name__}:{module.Digits.__name__}"
    assert sweep["search"]["trials"] >= 32
    plan = Plan(tuple(Stage(**stage) for stage in sweep["stages"]))
    config = {
        "lr": 0.005,
        "batch_size": 32,
        "hidden": 256,
        "dropout": 0.3,
        "schedule": "cosine",
        "label_smoothing": 0.1,
    }
    task = module.Digits()
    training = Training(task, task.data(), config, plan, seed=0)
    values = [training.run_epoch()["val_accuracy"] for _ in range(sum(stage.epochs for stage in plan.stages))]
    assert values[plan[0].epochs - 1] < values[-1]
    assert values[-1] >= 0.975
