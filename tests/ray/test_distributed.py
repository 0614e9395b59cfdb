"""Trials of two processes each, on the CPU."""

from __future__ import annotations

from pathlib import Path

import pytest
from ray.util import placement_group_table

from service.ledger.home import open_store
from tests.projects.toy import Apart
from tests.ray.toys import go, toy
from trainables import checkpoint
from trainables.loop import Training
from trainables.stages import Plan, Stage

STAGES = [{"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 1}]


def test_two_processes_train_as_one_and_a_broken_one_ends_its_trial_alone(tmp_path: Path) -> None:
    spec = toy(
        task="toy:Apart",
        metric={"name": "val_accuracy", "goal": "maximize"},
        parameters={"lr": 0.05, "batch_size": 31, "breaks": {"grid_search": [False, True]}},
        stages=STAGES,
        search={"algorithm": "grid", "seed": 0},
        schedule={"algorithm": "fifo"},
        resources={"cpu": 1, "workers": 2},
        retries=0,
    )
    outcome = go(spec, tmp_path)
    store = open_store(tmp_path)
    together, broken = sorted(store.trials("toy"), key=lambda t: t.config["breaks"])
    assert (outcome.state, together.state, broken.state) == ("SUCCEEDED", "FINISHED", "FAILED")
    assert broken.why == "RuntimeError: the second process breaks"
    assert {group["state"] for group in placement_group_table().values()} <= {"REMOVED"}

    saved = checkpoint.read(Path(str(together.checkpoint)).parent)
    assert saved is not None
    seed = saved["identity"]["seed"]
    config = {"lr": 0.05, "batch_size": 31, "breaks": False}
    plan, task = Plan((Stage(0.5, 1), Stage(1.0, 1))), Apart()
    alone = Training(task, task.data(), config, plan, seed, 0)
    for report in store.reports("toy"):
        assert report.metrics == pytest.approx(alone.run_epoch(), rel=1e-4)
    moved = Training(task, task.data(), config, plan, seed, 0)
    moved.load(saved["runner"])
    for ours, theirs in zip(moved.state()["model"].values(), alone.state()["model"].values(), strict=True):
        assert ours.numpy() == pytest.approx(theirs.numpy(), abs=1e-5)
