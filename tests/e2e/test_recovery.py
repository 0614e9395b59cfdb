"""Heads die, are interrupted, stopped: nothing is lost, nothing is done twice."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from service.ledger.home import open_store
from service.ledger.store import Store
from tests.e2e.conftest import Project

Toy = Callable[..., dict[str, Any]]

STAGES = [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 6}]


def slow(toy: Toy) -> dict[str, Any]:
    return toy(
        parameters={"x": {"uniform": [0, 1]}, "sleep": 0.15},
        stages=STAGES,
        search={"algorithm": "hyperopt", "trials": 14, "seed": 3},
    )


def wait_for(store: Callable[[], Store], ready: Callable[[Store], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not (store().sweeps() and ready(store())):
        assert time.monotonic() < deadline, "the sweep did not get that far"
        time.sleep(0.05)


def in_last_stage(store: Store) -> bool:
    """A running trial has reports in the last stage, and enough has happened to lose."""
    running = {t.number for t in store.trials("toy") if t.state == "RUNNING"}
    reports = store.reports("toy")
    return len(reports) > 12 and any(r.stage == 1 and r.trial in running and 3 <= r.epoch < 6 for r in reports)


def test_a_killed_head_goes_on_where_it_was(project: Project, toy: Toy) -> None:
    project.write("sweep.yaml", slow(toy))
    home = project.folder / ".sieve"
    head = project.start("run", "sweep.yaml")
    wait_for(lambda: open_store(home), in_last_stage)
    head.send_signal(signal.SIGKILL)
    head.communicate()
    assert "its head has died" in project.sieve("ls", "-o", "csv")
    before = open_store(home)
    reports, decisions = before.reports("toy"), before.decisions("toy")
    ended = {t.number: t for t in before.trials("toy") if t.state in ("FINISHED", "STOPPED")}
    cut = [t for t in before.trials("toy") if t.state == "RUNNING"]
    trained = len(project.epochs())

    project.sieve("run", "sweep.yaml")

    after = open_store(home)
    assert after.sweep("toy").state == "SUCCEEDED"
    assert after.sweep("toy").attempt == 2
    assert [t.number for t in after.trials("toy")] == list(range(1, 15))
    assert after.reports("toy")[: len(reports)] == reports
    assert after.decisions("toy")[: len(decisions)] == decisions
    for trial in after.trials("toy"):
        if trial.number in ended:
            assert (trial.state, trial.why) == (ended[trial.number].state, ended[trial.number].why)
    positions = Counter((r.trial, r.stage, r.epoch) for r in after.reports("toy"))
    assert set(positions.values()) == {1}
    for trial in after.trials("toy"):
        epochs = [r.epoch for r in after.reports("toy") if r.trial == trial.number]
        assert epochs == list(range(1, len(epochs) + 1)), f"trial {trial.number} has gaps"
        assert len(epochs) == (7 if trial.state == "FINISHED" else 1)

    # Epochs that were under way at the kill may run again; whatever was checkpointed may not.
    again = Counter(project.epochs())
    repeated = [epoch for epoch, count in again.items() if count > 1]
    assert len(repeated) <= len(cut)
    resumed = {repr(t.config["x"]) for t in cut}
    assert all(x in resumed for x, _, _ in repeated)
    assert trained < len(project.epochs())


def test_the_continued_sweep_decides_as_the_uninterrupted_one_does(project: Project, toy: Toy) -> None:
    """The head is killed in the midst of the last round. Other schedulers are rebuilt in the contract suite."""
    trials, rounds = 6, 2
    spec = toy(
        parameters={"x": {"uniform": [0, 1]}, "sleep": 0.05},
        search={"algorithm": "hyperopt", "trials": trials, "seed": 5},
        schedule={"algorithm": "promote", "reduction_factor": 2},
        rounds={"count": rounds, "keep": 0.5},
        resources={"max_concurrent": 1},
    )
    project.write("whole.yaml", spec | {"name": "whole"})
    project.write("sweep.yaml", spec)
    project.sieve("run", "whole.yaml")
    home = project.folder / ".sieve"
    head = project.start("run", "sweep.yaml")
    wait_for(lambda: open_store(home), lambda store: any(s.name == "toy" for s in store.sweeps()))
    wait_for(lambda: open_store(home), lambda store: sum(r.trial > trials for r in store.reports("toy")) > 2)
    head.send_signal(signal.SIGKILL)
    head.communicate()
    assert len(open_store(home).trials("toy")) < rounds * trials, "the head was killed too late to show anything"
    project.sieve("run", "sweep.yaml")
    store = open_store(home)
    whole, cut = ([t.config for t in store.trials(name)] for name in ("whole", "toy"))
    assert cut == whole
    whole_spaces, cut_spaces = ([(s.round, s.reasons) for s in store.spaces(name)] for name in ("whole", "toy"))
    assert cut_spaces == whole_spaces
    assert len(cut_spaces) == rounds - 1
    assert [(d.trial, d.stage, d.verdict) for d in store.decisions("toy")] == [
        (d.trial, d.stage, d.verdict) for d in store.decisions("whole")
    ]


def test_a_signal_pauses_and_the_same_command_continues(project: Project, toy: Toy) -> None:
    """Ctrl-C, once; a background sweep hears SIGTERM."""
    project.write("sweep.yaml", slow(toy))
    home = project.folder / ".sieve"
    head = project.start("run", "sweep.yaml")
    wait_for(lambda: open_store(home), lambda store: len(store.reports("toy")) > 5)
    head.send_signal(signal.SIGINT)
    out, err = head.communicate(timeout=60)
    assert head.returncode == 130, err
    assert "continue with: sieve run sweep.yaml" in out
    store = open_store(home)
    assert store.sweep("toy").state == "PAUSED"
    assert "RUNNING" not in {t.state for t in store.trials("toy")}
    project.sieve("run", "sweep.yaml")
    assert store.sweep("toy").state == "SUCCEEDED"
    assert len(store.trials("toy")) == 14


def test_another_terminal_pauses_resumes_and_stops_it_and_two_heads_are_refused(project: Project, toy: Toy) -> None:
    project.write("sweep.yaml", slow(toy) | {"search": {"algorithm": "random", "trials": 200}})
    home = project.folder / ".sieve"
    head = project.start("run", "sweep.yaml")
    wait_for(lambda: open_store(home), lambda store: len(store.reports("toy")) > 3)
    assert "running already" in project.sieve("run", "sweep.yaml", code=2)
    assert "running" in project.sieve("rm", "toy", "--yes", code=2)
    assert "there is nothing to resume" in project.sieve("resume", "toy", code=2)
    project.sieve("pause", "toy")
    out, err = head.communicate(timeout=60)
    assert head.returncode == 0, err
    assert "paused; continue with: sieve run sweep.yaml" in out
    store = open_store(home)
    paused = len(store.reports("toy"))
    head = project.start("resume", "toy")
    wait_for(lambda: store, lambda store: len(store.reports("toy")) > paused)
    project.sieve("stop", "toy")
    head.communicate(timeout=60)
    assert head.returncode == 0
    assert store.sweep("toy").state == "STOPPED"
    assert {t.state for t in store.trials("toy")} <= {"FINISHED", "STOPPED"}


BACKGROUND = """
import time, service
sweep = service.run("sweep.yaml", wait=False)
while len(sweep.history()) < 4:
    time.sleep(0.1)
print(sweep.state)
"""


def test_a_background_sweep_pauses_when_its_python_ends(project: Project, toy: Toy) -> None:
    project.write("sweep.yaml", slow(toy))
    assert project.python(BACKGROUND) == "RUNNING\n"
    home = project.folder / ".sieve"
    wait_for(lambda: open_store(home), lambda store: store.sweep("toy").state == "PAUSED", seconds=30)
    reports = open_store(home).reports("toy")
    project.sieve("run", "sweep.yaml")
    assert open_store(home).sweep("toy").state == "SUCCEEDED"
    assert open_store(home).reports("toy")[: len(reports)] == reports
