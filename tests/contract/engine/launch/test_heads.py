"""Heads where they really run: launched by a daemon, on a cluster of two nodes, behind a service that goes away."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cluster.inventory import nodes
from cluster.local import LocalCluster
from service.engine.daemon import Daemon, Settings
from service.engine.launch.processes import Processes
from service.ledger.records import SweepRecord
from service.ledger.store import Store
from service.spec import load
from tests.contract.ledger.service import Service

TASK = """
import time
from pathlib import Path
import ray
import beside

def train(config, stage):
    state = stage.checkpoint or {"epochs": 0}
    for epoch in stage:
        time.sleep(0.4)
        state["epochs"] += 1
        node = int(ray.get_runtime_context().get_node_id()[:8], 16)
        found = len(Path("beside.py").read_text())
        stage.report({"score": config["x"], "place": node, "file": found}, checkpoint=state)
"""

SPEC = {
    "task": "task:train",
    "metric": {"name": "score", "goal": "maximize"},
    "parameters": {"x": {"uniform": [0, 1]}},
    "stages": [{"data": 1.0, "epochs": 8}],
    "search": {"algorithm": "random", "trials": 4, "seed": 1},
    "schedule": {"algorithm": "fifo"},
    "resources": {"cpu": 2},
}


def until(ready: Callable[[], bool], what: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


def head_of(sweep: str) -> psutil.Process:
    """The process of a running head."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "service.engine.launch.attend" in words and sweep in words and "sh" not in words[0]:
            return process
    raise AssertionError(f"{sweep} has no head")


def test_a_sweep_outlives_its_head_and_the_absence_of_its_service(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With heads that are processes; those that are jobs are killed in the end-to-end tests of the service."""
    code, dashboard = tmp_path / "code", cluster.dashboard or ""
    code.mkdir()
    (code / "task.py").write_text(TASK)
    (code / "beside.py").write_text("# found\n")
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    store = Store(f"sqlite:///{tmp_path / 'sieve.db'}")
    service = Service(store)
    launcher = Processes(tmp_path / "logs")
    settings = Settings(service.address, tmp_path, lambda _: code, silence=4.0, period=0.3)
    daemon, stop = Daemon(store, launcher, lambda: nodes(dashboard), settings), threading.Event()
    name = "whole"
    store.add(SweepRecord(name, load(SPEC | {"name": name}).to_dict(), "/unused", "ada", "QUEUED", time.time()))
    running = threading.Thread(target=daemon.run, args=(stop,))
    running.start()

    def told() -> object:
        return store.sweep(name), "".join(daemon.logs(store.sweep(name)))

    try:
        until(lambda: len(store.reports(name)) >= 4, told)
        service.down()
        time.sleep(1.5)
        service.up()
        before = len(store.reports(name))
        until(lambda: len(store.reports(name)) > before, told)
        os.kill(head_of(name).pid, signal.SIGKILL)
        until(lambda: store.sweep(name).state in ("SUCCEEDED", "FAILED"), told)
    finally:
        stop.set()
        running.join()
        service.down()
    sweep, reports = store.sweep(name), store.reports(name)
    assert (sweep.state, sweep.attempt) == ("SUCCEEDED", 2), told()
    assert {trial.state for trial in store.trials(name)} == {"FINISHED"}
    assert set(Counter((r.trial, r.epoch) for r in reports).values()) == {1}
    assert len(reports) == 4 * 8
    assert len({report.metrics["place"] for report in reports}) == 2
    assert {report.metrics["file"] for report in reports} == {8}
