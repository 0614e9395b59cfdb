"""The Python handle on a real ledger; running a sweep from Python needs Ray and is tested there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import service
from service.engine.control import head_liveness
from service.engine.launch.child_process import start
from service.ledger import Store
from service.ledger.folder import log_file
from service.ledger.store.store import UnknownSweep
from service.spec.errors import SieveError, UserError


def test_the_package_names_what_it_has_and_loads_it_late() -> None:
    assert {"run", "results", "sweep", "Spec", "load"} <= set(dir(service))
    with pytest.raises(AttributeError, match="it has Client, RemoteSweep, Spec, Sweep, check, load"):
        _ = service.rum
    script = "import sys, service; print([m for m in ('pydantic', 'sqlalchemy', 'ray') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_handle_reads_the_ledger(store: Store, home: Path) -> None:
    sweep = service.sweep("toy", home=home)
    assert (sweep.name, sweep.state) == ("toy", "RUNNING")
    assert list(sweep.trials()["trial"]) == [1, 2, 3, 4]
    assert len(sweep.history()) == 9
    assert list(sweep.best(3)["trial"]) == [1]
    assert sweep.status.ended == 3
    assert repr(sweep) == "Sweep('toy', RUNNING)"
    store.end("toy", 1, "SUCCEEDED", "done")
    assert sweep.state == "SUCCEEDED"


def test_results_are_those_of_the_home(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIEVE_HOME", str(home))
    assert list(service.results().sweeps()["sweep"]) == ["toy"]
    assert list(service.results(home.parent).sweeps()["sweep"]) == []


def test_an_unknown_sweep_has_no_handle(store: Store, home: Path) -> None:
    with pytest.raises(UnknownSweep, match="'toy'"):
        service.sweep("toi", home=home)


def test_waiting_for_a_sweep_that_is_over_returns_the_handle(store: Store, home: Path) -> None:
    store.end("toy", 1, "STOPPED", "a person said so")
    sweep = service.sweep("toy", home=home)
    assert sweep.wait() is sweep


def test_waiting_says_that_the_sweep_failed_or_its_head_died(store: Store, home: Path) -> None:
    sweep = service.sweep("toy", home=home)
    with pytest.raises(SieveError, match="the head of toy died; nothing is lost"):
        sweep.wait()
    store.end("toy", 1, "FAILED", "all 4 trials failed")
    with pytest.raises(SieveError, match="toy failed: all 4 trials failed"):
        sweep.wait()


def test_waiting_has_an_end_and_stopping_needs_a_head(store: Store, home: Path) -> None:
    sweep = service.sweep("toy", home=home)
    with pytest.raises(UserError, match="its head is dead"):
        sweep.stop()
    store.claim("toy", head_liveness.identity(), head_liveness.alive)
    with pytest.raises(TimeoutError, match=r"toy is still STARTING after 0\.1 s"):
        sweep.wait(timeout=0.1)
    sweep.stop()
    assert store.sweep("toy").wish == "stop"


def test_a_head_in_the_background_leaves_its_words_in_its_log(home: Path) -> None:
    child = start("nobody", home)
    assert child.stdin is not None
    with child.stdin:
        assert child.wait(60) == 2
    assert log_file(home, "nobody").read_text().startswith("error: there is no sweep 'nobody'")
