"""A sweep whose slots become fewer and more while it runs, and that makes room, loses no work and finds the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.engine.control.sweep import run
from service.engine.submit.local import submit
from service.ledger.home import open_store
from service.ledger.store.store import Store
from service.policy.observation import Observation
from service.policy.policy import Policy
from service.spec import load
from tests.ray.toys import PROJECT, toy


def spec(name: str, gate: Path) -> dict[str, Any]:
    """Trials of two stages whose verdicts do not hang on who came first, four at once; they wait for the ``gate``."""
    return toy(
        name=name,
        parameters={"x": {"uniform": [0, 1]}, "sleep": 0.3, "gate": str(gate)},
        stages=[{"data": 0.5, "epochs": 3}, {"data": 1.0, "epochs": 7}],
        search={"algorithm": "random", "trials": 6, "seed": 3},
        schedule={"algorithm": "fifo"},
        resources={"cpu": 0.5},
    )


def until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running(store: Store) -> int:
    return sum(trial.state == "RUNNING" for trial in store.trials("shared"))


def squeeze(store: Store, gate: Path) -> None:
    """From four trials to one, to two, to none, and to three; none gets far meanwhile, however slow workers start."""

    def order(slots: int) -> None:
        store.share({"shared": (slots, "")})
        if slots < running(store):
            time.sleep(1)  # until the head has heard of it
            gate.touch()
        until(lambda: running(store) == slots)
        gate.unlink(missing_ok=True)

    until(lambda: len(store.reports("shared")) == 4)
    order(1)
    gone = [trial for trial in store.trials("shared") if trial.why.startswith("gave its place up")]
    assert [trial.state for trial in gone] == ["PENDING"] * 3
    until(lambda: store.sweep("shared").running == 1)
    order(2)
    order(0)
    before = len(store.reports("shared"))
    time.sleep(2)
    assert len(store.reports("shared")) == before
    assert store.sweep("shared").state == "RUNNING"
    order(3)
    gate.touch()
    assert store.displace("shared", 1, "another", "made room for another", {})


def undisturbed(raw: dict[str, Any]) -> dict[int, float]:
    """What a sweep without a scheduler draws for each trial, whatever becomes of its slots."""
    policy, table = Policy(load(raw)), []
    while (job := policy.next(table)) is not None:
        table.append(Observation(job.trial, job.config or {}, "FINISHED"))
    return {row.trial: row.config["x"] for row in table}


def test_fewer_and_more_slots_change_nothing_of_what_a_sweep_finds(tmp_path: Path) -> None:
    gate, failed = tmp_path / "gate", []
    raw = spec("shared", gate)
    submit(raw, tmp_path, project=PROJECT)
    store = open_store(tmp_path)

    def squeezed() -> None:
        try:
            squeeze(store, gate)
        except BaseException as error:
            failed.append(error)
            gate.touch()
            store.wish("shared", "cancel")

    other = threading.Thread(target=squeezed)
    other.start()
    outcome = run("shared", tmp_path)
    other.join()
    assert not failed, failed
    waiting = store.sweep("shared")
    assert outcome.state == waiting.state == "QUEUED"
    assert (waiting.why, waiting.wish) == ("made room for another", None)
    assert {trial.state for trial in store.trials("shared")} <= {"PENDING", "FINISHED"}
    assert run("shared", tmp_path).state == "SUCCEEDED"
    drawn, reports = undisturbed(raw), store.reports("shared")
    assert {trial.number: (trial.state, trial.config["x"]) for trial in store.trials("shared")} == {
        number: ("FINISHED", x) for number, x in drawn.items()
    }
    assert len(reports) == 6 * 10
    assert {(r.trial, r.epoch): r.metrics["score"] for r in reports} == {
        (number, epoch): x * (1 - 0.5**epoch) for number, x in drawn.items() for epoch in range(1, 11)
    }
