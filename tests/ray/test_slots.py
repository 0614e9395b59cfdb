"""A sweep whose slots become fewer and more while it runs loses no work and finds the same."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.engine.submission import submit
from service.engine.sweep import run
from service.ledger.home import open_store
from service.ledger.store import Store
from tests.ray.toys import PROJECT, go, toy


def spec(name: str) -> dict[str, Any]:
    """Trials of two stages whose verdicts do not hang on who came first, four at once."""
    return toy(
        name=name,
        parameters={"x": {"uniform": [0, 1]}, "sleep": 0.5},
        stages=[{"data": 0.5, "epochs": 3}, {"data": 1.0, "epochs": 5}],
        search={"algorithm": "random", "trials": 6, "seed": 3},
        schedule={"algorithm": "fifo"},
        resources={"cpu": 0.5},
    )


def until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running(store: Store) -> int:
    return sum(trial.state == "RUNNING" for trial in store.trials("shared"))


def squeeze(store: Store) -> None:
    """From four trials to one, to none, and to three."""
    until(lambda: len(store.reports("shared")) >= 6)
    assert running(store) == 4
    store.share({"shared": (1, "waiting")})
    until(lambda: running(store) == 1)
    gone = [trial for trial in store.trials("shared") if trial.why.startswith("gave its place up")]
    assert {trial.state for trial in gone} == {"PENDING"}
    assert len(gone) == 3
    until(lambda: store.sweep("shared").running == 1)
    store.share({"shared": (0, "waiting")})
    until(lambda: running(store) == 0)
    before = len(store.reports("shared"))
    time.sleep(2)
    assert len(store.reports("shared")) == before
    assert store.sweep("shared").state == "RUNNING"
    store.share({"shared": (3, "")})
    until(lambda: running(store) == 3)


def test_fewer_and_more_slots_change_nothing_of_what_a_sweep_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert go(spec("alone"), tmp_path).state == "SUCCEEDED"
    store, failed = open_store(tmp_path), []
    submit(spec("shared"), tmp_path, project=PROJECT)

    def squeezed() -> None:
        try:
            squeeze(store)
        except BaseException as error:
            failed.append(error)
            store.wish("shared", "cancel")

    other = threading.Thread(target=squeezed)
    other.start()
    outcome = run("shared", tmp_path)
    other.join()
    assert not failed, failed
    assert outcome.state == "SUCCEEDED"
    alone, shared = ({t.number: (t.config, t.state) for t in store.trials(name)} for name in ("alone", "shared"))
    assert shared == alone
    found = [
        {(r.trial, r.stage, r.epoch): r.metrics["score"] for r in store.reports(name)} for name in ("alone", "shared")
    ]
    assert found[0] == found[1]
    assert set(Counter((r.trial, r.stage, r.epoch) for r in store.reports("shared")).values()) == {1}
    assert len(store.reports("shared")) == 6 * 8
