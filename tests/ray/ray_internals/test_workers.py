"""The workers that Tune starts, keeps and ends, as `cluster.ray_internals.tune_workers` says it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import ray
from ray._private.state import actors

from cluster.ray_internals import tune_workers
from service.engine.control.sweep import run
from service.engine.submit.local import submit
from service.ledger.home import open_store
from tests.ray.toys import PROJECT, go, toy

TRAINABLE = "with_parameters.<locals>._Inner"
"""What Ray calls the class that `tune.with_parameters` makes of `StagedTrainable`."""


def workers() -> set[str]:
    """The workers of trials that were ever asked for on this cluster."""
    return {id for id, about in actors().items() if about["ActorClassName"] == TRAINABLE}


@pytest.fixture
def before() -> set[str]:
    assert ray.is_initialized(), "the cluster of these tests"
    return workers()


def pids(home: Path) -> set[float]:
    """The processes that have trained."""
    return {report.metrics["pid"] for report in open_store(home, create=True).reports("toy")}


def open_when_two_train(home: Path, gate: Path) -> threading.Thread:
    """Opens the gate behind the first epoch of trials once two processes have trained one."""

    def look() -> None:
        deadline = time.monotonic() + 120
        while len(pids(home)) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        gate.touch()

    thread = threading.Thread(target=look)
    thread.start()
    return thread


def test_both_slots_train_and_no_worker_that_is_starting_is_thrown_away(tmp_path: Path, before: set[str]) -> None:
    """The first worker that is up ends the first stage of many trials while the other starts."""
    gate = tmp_path / "gate"
    spec = toy(
        parameters={"x": {"uniform": [0, 1]}, "gate": str(gate)},
        search={"algorithm": "random", "trials": 40, "seed": 1},
        schedule={"algorithm": "promote", "reduction_factor": 20},
        resources={"max_concurrent": 2},
    )
    submit(spec, tmp_path, project=PROJECT)
    opener = open_when_two_train(tmp_path, gate)
    assert run("toy", tmp_path).state == "SUCCEEDED"
    opener.join()
    assert len(pids(tmp_path)) == 2
    assert len(workers() - before) == 2


def test_the_end_waits_for_no_worker_that_is_busy_or_starting(tmp_path: Path, before: set[str]) -> None:
    """One trial reaches the target while the other waits for a gate that never opens, or for its worker."""
    gate = tmp_path / "gate"
    spec = toy(
        parameters={"x": {"uniform": [0, 1]}, "gate": {"choice": [str(gate), "/"]}},
        stages=[{"data": 1.0, "epochs": 2}],
        search={
            "algorithm": "random",
            "trials": 2,
            "initial": [{"gate": str(gate), "x": 0.5}, {"gate": "/", "x": 0.5}],
        },
        metric={"name": "score", "goal": "maximize", "target": 0.3},
        resources={"max_concurrent": 2},
    )
    outcome = go(spec, tmp_path)
    assert outcome.why.startswith("target 0.3 reached: trial 2")
    assert {trial.state for trial in open_store(tmp_path).trials("toy")} == {"STOPPED", "FINISHED"}
    assert len(workers() - before) == 2
    assert not [id for id in workers() - before if actors(id)["State"] == "ALIVE"]


def lacking(*_: Any) -> Any:
    raise AttributeError("it is called otherwise")


def test_without_what_it_needs_tune_does_as_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tune_workers, "_sparing", lacking)
    assert go(toy(search={"algorithm": "random", "trials": 1}), tmp_path).state == "SUCCEEDED"
    assert "how Tune keeps its workers: not known with Ray" in caplog.text
