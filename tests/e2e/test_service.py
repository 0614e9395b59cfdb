"""The service under load and under attack, as its users have it: real processes, one machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import service
from tests.ray.toys import toy
from tests.stack import PATIENCE, Stack, until

PROJECT = Path(__file__).parents[1] / "projects"
SLOW = 0.6
"""Seconds of an epoch of a slow curve: its report interval."""

RESOURCES = {"cpu": 0.1, "gpu": 1}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("service"))
    yield made
    made.stop()


def slow(name: str, trials: int, epochs: int = 5, **changes: Any) -> dict[str, Any]:
    """A sweep of slow curves, all of which are trained in full: three epochs and then so many."""
    spec = toy(
        name=name,
        parameters={"x": {"uniform": [0, 1]}, "sleep": SLOW},
        stages=[{"data": 0.5, "epochs": 3}, {"data": 1.0, "epochs": epochs}],
        search={"algorithm": "random", "trials": trials, "seed": 1},
        schedule={"algorithm": "fifo"},
        resources=RESOURCES,
    )
    return spec | changes


def whole(sweep: service.RemoteSweep, trials: int, reports: int) -> None:
    """Every trial from 1 on is there once, and every report of it."""
    assert list(sweep.trials()["trial"]) == list(range(1, trials + 1))
    history = sweep.history()
    assert len(history) == reports
    assert not history.duplicated(["trial", "stage", "epoch"]).any()


def test_slots_follow_weights_and_a_higher_priority_comes_first(stack: Stack) -> None:
    """Weights 1, 2 and 3 have one, two and three of six GPUs, as the ledger tells of a time when all were busy."""
    owners = {1: stack.client("ada"), 2: stack.client("bob"), 3: stack.client("cyd")}
    sweeps = {
        weight: owners[weight].submit(slow(f"weight-{weight}", 99, 500, weight=weight), PROJECT) for weight in owners
    }
    until(lambda: all(len(sweep.history()) > 8 * weight for weight, sweep in sweeps.items()), "all are at work")
    before = {weight: sweep.history()["seconds"].sum() for weight, sweep in sweeps.items()}
    begun = {weight: len(sweep.history()) for weight, sweep in sweeps.items()}
    until(lambda: len(sweeps[1].history()) >= begun[1] + 40, "forty reports of each place")
    spent = {weight: sweep.history()["seconds"].sum() - before[weight] for weight, sweep in sweeps.items()}
    for weight, seconds in spent.items():
        assert seconds / sum(spent.values()) == pytest.approx(weight / 6, rel=0.1)

    urgent = owners[2].submit(slow("urgent", 1, priority=10), PROJECT)
    until(lambda: urgent.state != "QUEUED", "the urgent sweep has a place and a head that starts", SLOW + 5)
    until(lambda: (urgent.trials()["state"] == "RUNNING").any(), "its trial runs")
    for sweep in sweeps.values():
        sweep.cancel()
    urgent.wait(PATIENCE)
    whole(urgent, 1, 8)
    until(lambda: all(sweep.state == "CANCELLED" for sweep in sweeps.values()), "cancelled sweeps end")
    for sweep in sweeps.values():
        assert not sweep.history().duplicated(["trial", "stage", "epoch"]).any()


def kill_service(stack: Stack, sweep: str) -> None:
    stack.kill_service()
    stack.serve()


def kill_head(stack: Stack, sweep: str) -> None:
    [head] = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "service.engine.launch.head_main" in (line := " ".join(process.info["cmdline"] or []))
        and sweep in line.split()
        and "bash" not in line.split("/")[-1].split()[0]
    ][-1:]
    os.kill(head.pid, signal.SIGKILL)


def restart_database(stack: Stack, sweep: str) -> None:
    stack.database.restart("immediate")


def test_a_sweep_completes_whatever_dies(stack: Stack) -> None:
    """The service, the head and the database, one after the other, each while trials train."""
    sweep = stack.client("ada").submit(slow("faults", 6, resources=RESOURCES | {"max_concurrent": 2}), PROJECT)
    for fault in (kill_service, kill_head, restart_database):
        before = len(sweep.history())
        until(lambda enough=before + 6: len(sweep.history()) >= enough, f"six reports before {fault.__name__}")
        fault(stack, sweep.name)
    sweep.wait(PATIENCE)
    whole(sweep, 6, 48)
    assert sweep.state == "SUCCEEDED"
