"""A Ray that is kept between two sweeps of one folder: used again, with fresh code; and it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from cluster.lease import KEEP
from tests.e2e.conftest import Project
from tests.stack import PATIENCE, until


def keepers(project: Project) -> list[psutil.Process]:
    """The keepers that were started from the project's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if "cluster.keeper" in process.cmdline() and process.cwd() == str(project.folder.resolve()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def waiting(keeper: psutil.Process) -> int:
    return sum("ray::IDLE" in process.cmdline() for process in keeper.children(recursive=True))


@pytest.fixture
def kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv(KEEP, "600")
    yield project
    family = [one for keeper in keepers(project) for one in (keeper, *keeper.children(recursive=True))]
    for keeper in keepers(project):
        keeper.terminate()
    assert not psutil.wait_procs(family, timeout=PATIENCE)[1], "a keeper leaves processes behind"


def scores(project: Project, name: str) -> list[float]:
    return [row["score"] for row in project.rows("best", name, "-n", "9")]


def test_a_second_sweep_has_the_same_ray_and_new_code(kept: Project, toy: Callable[..., dict[str, Any]]) -> None:
    small = {"stages": [{"data": 1.0, "epochs": 1}], "search": {"algorithm": "random", "trials": 2, "seed": 1}}
    for name in ("a", "b"):
        kept.write(f"{name}.json", toy(name=name, schedule={"algorithm": "fifo"}, **small))
    said = kept.sieve("run", "a.json")
    assert said.index("reading the sweep …") < said.index("checking the task …")
    [keeper] = keepers(kept)
    until(lambda: waiting(keeper) >= 2, "workers wait for the next sweep")
    task = kept.folder / "toy.py"
    task.write_text(task.read_text().replace('score = config["x"] *', 'score = 1000 + config["x"] *'))
    kept.sieve("run", "b.json")
    assert keepers(kept) == [keeper]
    assert scores(kept, "b") == pytest.approx([1000 + score for score in scores(kept, "a")])


def test_two_sweeps_at_once_and_one_that_is_killed(kept: Project, toy: Callable[..., dict[str, Any]]) -> None:
    gate = kept.folder / "gate"
    kept.write("a.json", toy(name="a", parameters={"x": {"uniform": [0, 1]}, "gate": str(gate)}))
    kept.write("b.json", toy(name="b", search={"trials": 1}))
    first = kept.start("run", "a.json")
    until(lambda: (kept.folder / "epochs.log").exists(), "the first sweep trains")
    assert "b SUCCEEDED" in kept.sieve("run", "b.json")  # in a Ray of its own
    [keeper] = keepers(kept)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    gate.touch()
    assert "a SUCCEEDED" in kept.sieve("run", "a.json")
    assert keepers(kept) == [keeper]


def test_a_keeper_ends_by_itself(kept: Project, toy: Callable[..., dict[str, Any]]) -> None:
    os.environ[KEEP] = "1"  # undone by the fixture
    kept.write("a.json", toy(name="a", search={"trials": 1}))
    kept.sieve("run", "a.json")
    until(lambda: not keepers(kept), "the keeper ends")
