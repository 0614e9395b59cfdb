"""Heads die, are interrupted, stopped: nothing is lost, nothing is done twice."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from service.engine.control.sweep import INTERRUPTED
from service.ledger.home import open_store
from service.ledger.store.store import Store
from tests.e2e.conftest import Project
from tests.stack import PATIENCE

Toy = Callable[..., dict[str, Any]]

STAGES = [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 6}]


def slow(toy: Toy) -> dict[str, Any]:
    return toy(
        parameters={"x": {"uniform": [0, 1]}, "sleep": 0.15},
        stages=STAGES,
        search={"algorithm": "hyperopt", "trials": 14, "seed": 3},
    )


def wait_for(store: Callable[[], Store], ready: Callable[[Store], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not (store().sweeps() and ready(store())):
        assert time.monotonic() < deadline, "the sweep did not get that far"
        time.sleep(0.05)


def in_last_stage(store: Store) -> bool:
    """A running trial of the second round has reports in the last stage, and is not at its end."""
    running = {t.number for t in store.trials("toy") if t.state == "RUNNING" and t.round == 1}
    return any(r.stage == 1 and r.trial in running and 3 <= r.epoch < 6 for r in store.reports("toy"))


def test_a_killed_head_goes_on_where_it_was_and_decides_as_one_that_was_not(project: Project, toy: Toy) -> None:
    """The head is killed in the midst of the last round. Other schedulers are rebuilt in the contract suite."""
    spec = slow(toy) | {
        "search": {"algorithm": "hyperopt", "trials": 6, "seed": 5},
        "schedule": {"algorithm": "promote", "reduction_factor": 2},
        "rounds": {"count": 2, "keep": 0.5},
    }
    project.write("whole.yaml", spec | {"name": "whole"})
    project.write("sweep.yaml", spec)
    project.sieve("run", "whole.yaml")
    home = project.folder / ".sieve"
    known = len(project.epochs())
    head = project.start("run", "sweep.yaml")
    wait_for(lambda: open_store(home), lambda store: any(s.name == "toy" for s in store.sweeps()))
    wait_for(lambda: open_store(home), in_last_stage)
    head.send_signal(signal.SIGKILL)
    head.communicate()
    assert "its head has died" in project.sieve("ls", "-o", "csv")
    before = open_store(home)
    reports, decisions = before.reports("toy"), before.decisions("toy")
    ended = {t.number: t for t in before.trials("toy") if t.state in ("FINISHED", "STOPPED")}
    cut = {repr(t.config["x"]) for t in before.trials("toy") if t.state == "RUNNING"}
    trained = len(project.epochs())

    project.sieve("run", "sweep.yaml")

    after = open_store(home)
    assert after.sweep("toy").state == "SUCCEEDED"
    assert after.sweep("toy").attempt == 2
    assert [t.number for t in after.trials("toy")] == list(range(1, 13))
    assert after.reports("toy")[: len(reports)] == reports
    assert after.decisions("toy")[: len(decisions)] == decisions
    for trial in after.trials("toy"):
        if trial.number in ended:
            assert (trial.state, trial.why) == (ended[trial.number].state, ended[trial.number].why)
        epochs = [r.epoch for r in after.reports("toy") if r.trial == trial.number]
        assert epochs == list(range(1, len(epochs) + 1)), f"trial {trial.number} has gaps or reports twice"
        assert len(epochs) == (7 if trial.state == "FINISHED" else 1)

    # Epochs that were under way at the kill may run again; whatever was checkpointed may not.
    again = Counter(project.epochs()[known:])
    repeated = [epoch for epoch, count in again.items() if count > 1]
    assert len(repeated) <= len(cut)
    assert all(x in cut for x, _, _ in repeated)
    assert trained < len(project.epochs())

    assert [t.config for t in after.trials("toy")] == [t.config for t in after.trials("whole")]
    whole_spaces, cut_spaces = ([(s.round, s.reasons) for s in after.spaces(name)] for name in ("whole", "toy"))
    assert len(cut_spaces) == 1
    assert cut_spaces == whole_spaces
    verdicts, others = ([(d.trial, d.stage, d.verdict) for d in after.decisions(name)] for name in ("toy", "whole"))
    assert verdicts == others


def test_it_pauses_by_a_signal_and_from_another_terminal_and_goes_on_until_it_is_stopped(
    project: Project, toy: Toy
) -> None:
    project.write("sweep.yaml", slow(toy) | {"search": {"algorithm": "random", "trials": 200}})
    home = project.folder / ".sieve"

    def more(than: int) -> Store:
        wait_for(lambda: open_store(home), lambda store: len(store.reports("toy")) > than)
        return open_store(home)

    head = project.start("run", "sweep.yaml")
    store = more(than=3)
    assert "running already" in project.sieve("run", "sweep.yaml", code=2)
    assert "running" in project.sieve("rm", "toy", "--yes", code=2)
    assert "there is nothing to resume" in project.sieve("resume", "toy", code=2)
    project.sieve("pause", "toy")
    out, err = head.communicate(timeout=PATIENCE)
    assert head.returncode == 0, err
    assert "paused; continue with: sieve run sweep.yaml" in out

    head = project.start("run", "sweep.yaml")
    store = more(than=len(store.reports("toy")))
    head.send_signal(signal.SIGINT)  # Ctrl-C, once; a background sweep hears SIGTERM.
    out, err = head.communicate(timeout=PATIENCE)
    assert head.returncode == INTERRUPTED, err
    assert "continue with: sieve run sweep.yaml" in out
    assert store.sweep("toy").state == "PAUSED"
    assert "RUNNING" not in {t.state for t in store.trials("toy")}

    head = project.start("resume", "toy")
    store = more(than=len(store.reports("toy")))
    project.sieve("stop", "toy")
    head.communicate(timeout=PATIENCE)
    assert head.returncode == 0
    assert store.sweep("toy").state == "STOPPED"
    assert {t.state for t in store.trials("toy")} <= {"FINISHED", "STOPPED"}
    assert not any(count > 1 for count in Counter((r.trial, r.stage, r.epoch) for r in store.reports("toy")).values())


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
    wait_for(lambda: open_store(home), lambda store: store.sweep("toy").state == "PAUSED")
    assert "RUNNING" not in {t.state for t in open_store(home).trials("toy")}
