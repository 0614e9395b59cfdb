"""Trials of two processes, on the CPU."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from ray.util import placement_group_table

from service.ledger.home import open_store
from tests.projects.toy import Apart
from tests.ray.toys import go, toy
from trainables.loop.training import Training
from trainables.stages import Plan, Stage
from trainables.worker import checkpoint


@contextmanager
def killing() -> Iterator[threading.Event]:
    """Kills the actor of a trial once Ray holds two cores for its processes, before any of them runs."""
    before, killed, over = set(placement_group_table()), threading.Event(), threading.Event()

    def kill() -> None:
        while not killed.is_set() and not over.wait(0.02):
            groups = [group for key, group in placement_group_table().items() if key not in before]
            if any(group["state"] == "CREATED" and len(group["bundles"]) == 2 for group in groups):
                for process in psutil.Process().children(recursive=True):
                    with suppress(psutil.Error):  # Some end by themselves meanwhile.
                        if " ".join(process.cmdline()).startswith("ray::_Inner"):  # Tune's subclass of the trainable.
                            process.kill()
                            killed.set()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def test_two_processes_train_as_one_through_two_kills_until_one_of_them_breaks(tmp_path: Path) -> None:
    """One kill before they run, one between the first epoch and the second; the third breaks."""
    config = {"lr": 0.05, "batch_size": 31, "flag": str(tmp_path / "flag")}
    spec = toy(
        task="toy:Apart",
        metric={"name": "val_accuracy", "goal": "maximize"},
        parameters=config | {"lr": {"grid_search": [0.05]}},
        stages=[{"data": 1.0, "epochs": 3}],
        search={"algorithm": "grid"},
        resources={"cpu": 1, "workers": 2},  # All there is: were anything kept by the killed one, the next would wait.
        retries=2,
        checkpoints={"keep": "all"},
    )
    with killing() as killed:
        outcome = go(spec, tmp_path)
    assert killed.is_set()
    store = open_store(tmp_path)
    [trial] = store.trials("toy")
    assert (outcome.state, trial.state, trial.attempt) == ("FAILED", "FAILED", 2)
    assert trial.why == "RuntimeError: the second process breaks"
    assert {group["state"] for group in placement_group_table().values()} <= {"REMOVED"}

    saved = checkpoint.read(Path(str(trial.checkpoint)).parent)
    assert saved is not None
    task, plan, seed = Apart(), Plan((Stage(1.0, 3),)), saved["identity"]["seed"]
    alone = Training(task, task.data(), config, plan, seed)
    reports = store.reports("toy")
    assert [report.epoch for report in reports] == [1, 2]
    for report in reports:
        assert report.metrics == pytest.approx(alone.run_epoch(), rel=1e-4)
    moved = Training(task, task.data(), config, plan, seed)
    moved.load(saved["runner"])
    for ours, theirs in zip(moved.state()["model"].values(), alone.state()["model"].values(), strict=True):
        assert ours.numpy() == pytest.approx(theirs.numpy(), abs=1e-5)
