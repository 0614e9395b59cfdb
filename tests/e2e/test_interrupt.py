"""Ctrl-C at any moment: it is answered, nothing is lost or left behind, and the same command goes on."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from service.engine.control.interruption import AGAIN, HEARD, INTERRUPTED
from service.ledger.home import open_store
from service.ledger.store.store import Store
from tests.e2e.conftest import Project
from tests.stack import PATIENCE

Toy = Callable[..., dict[str, Any]]

SLOW = """
import time
from pathlib import Path

from trainables.task import Task


class Slow(Task):
    def data(self):
        Path("checked").touch()
        time.sleep(600)

    def model(self, config):
        raise NotImplementedError
"""


def until(ready: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def imports(process: subprocess.Popen[str]) -> bool:
    """Whether the process is past Python's own start, and has begun to import what the command line needs."""
    return "pydantic_core" in Path(f"/proc/{process.pid}/maps").read_text()


def interrupted(process: subprocess.Popen[str], times: int = 1) -> str:
    """What the process says when it hears Ctrl-C so many times; it leaves no process behind."""
    started = psutil.Process(process.pid).children(recursive=True)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == INTERRUPTED, err
    assert HEARD in err
    assert AGAIN in err
    assert "Traceback" not in out + err
    _, left = psutil.wait_procs(started, timeout=PATIENCE)
    assert not left
    return out


def sweeps(home: Path) -> Callable[[], Store]:
    return lambda: open_store(home, create=True)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")
def test_while_it_imports_and_while_it_checks(project: Project, toy: Toy) -> None:
    (project.folder / "slow.py").write_text(SLOW)
    project.write("slow.yaml", toy(task="slow:Slow", metric={"name": "val_accuracy", "goal": "maximize"}))
    process = project.start("run", "slow.yaml")
    until(lambda: imports(process))
    interrupted(process)
    process = project.start("run", "slow.yaml")
    until((project.folder / "checked").exists)
    interrupted(process)
    assert open_store(project.folder / ".sieve", create=True).sweeps() == []


def test_while_ray_starts_while_it_trains_and_twice(project: Project, toy: Toy) -> None:
    project.write("sweep.yaml", toy(parameters={"x": {"uniform": [0, 1]}, "sleep": 0.2}))
    store = sweeps(project.folder / ".sieve")

    process = project.start("run", "sweep.yaml")
    until(lambda: store().sweeps())
    interrupted(process)
    assert store().sweep("toy").state in ("QUEUED", "PAUSED")

    process = project.start("run", "sweep.yaml")
    until(lambda: len(store().reports("toy")) > 2)
    assert "paused; continue with: sieve run sweep.yaml" in interrupted(process)
    assert store().sweep("toy").state == "PAUSED"
    assert "RUNNING" not in {trial.state for trial in store().trials("toy")}
    before = store().reports("toy")

    process = project.start("run", "sweep.yaml")
    until(lambda: len(store().reports("toy")) > len(before))
    interrupted(process, times=2)

    project.sieve("run", "sweep.yaml")
    reports = store().reports("toy")
    assert store().sweep("toy").state == "SUCCEEDED"
    assert reports[: len(before)] == before
    assert max(Counter((report.trial, report.stage, report.epoch) for report in reports).values()) == 1
