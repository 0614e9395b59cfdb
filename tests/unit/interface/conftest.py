"""A sweep in mid-course in a real ledger: four trials, of which one finished, one was stopped, one runs, one failed."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.interface.cli import main
from service.ledger import Store, open_store
from service.ledger.records import Batch, DecisionRecord, ReportRecord, SweepRecord, TrialRecord
from service.spec import load

SPEC: dict[str, Any] = {
    "name": "toy",
    "task": "toy:curve",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": {"lr": {"loguniform": [1e-4, 1.0]}, "layers": {"choice": [[8], [8, 8]]}},
    "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 4}],
    "search": {"algorithm": "random", "trials": 6},
}

TRIALS = (
    TrialRecord(1, {"lr": 0.1, "layers": [8]}, "FINISHED", stage=1, why="finished <the last> stage", seconds=5.0),
    TrialRecord(2, {"lr": 1e-20, "layers": [8, 8]}, "STOPPED", stage=0, why="stopped after stage 0", seconds=1.0),
    TrialRecord(3, {"lr": 0.3, "layers": [8]}, "RUNNING", stage=1, seconds=3.0),
    TrialRecord(4, {"lr": 0.9, "layers": [8]}, "FAILED", stage=0, why="loss is nan"),
)


def report(trial: int, epoch: int, value: float) -> ReportRecord:
    """The report of ``trial`` after ``epoch`` of the five epochs of `SPEC`."""
    metrics = {"val_accuracy": value, "train_accuracy": value + 0.05}
    early = epoch == 1
    budget = 0.1 if early else 0.1 + epoch - 1
    return ReportRecord(
        trial, 1 - early, epoch, 0.1 if early else 1.0, budget, metrics, float(epoch), epoch in (1, 5), 1.0
    )


REPORTS = (
    report(1, 1, 0.5),
    report(2, 1, 0.2),
    report(3, 1, 0.9),
    *(report(1, epoch, 0.5 + epoch / 10) for epoch in (2, 3)),
    report(1, 4, 0.95),
    report(3, 2, 0.6),
    report(1, 5, 0.8),
    report(3, 3, 0.7),
)

DECISIONS = (
    DecisionRecord(1, 0, "continue", "goes on after stage 0: the first at this rung", {}, 1.0),
    DecisionRecord(2, 0, "stop", "stopped after stage 0: 0.2 is rank 2 of 2", {"rank": 2}, 1.0),
)


def sweep(state: str = "RUNNING", **changes: Any) -> SweepRecord:
    """The record of the sweep: 100 s of earlier heads and 20 s of the present one."""
    times = {"created": 900.0, "claimed": 1000.0, "heartbeat": 1020.0, "seconds": 100.0}
    return SweepRecord("toy", load(SPEC).to_dict(), "/project", "ann", state, **times | changes)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of an empty ledger that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Store:
    """The ledger with the sweep, claimed by a head of this machine that is dead (its start time is no one's)."""
    store = open_store(home, create=True)
    store.create("toy", load(SPEC).to_dict(), "/project", "ann", None)
    store.claim("toy", f"{socket.gethostname()}:{os.getpid()}:1.00", lambda _: False)
    store.beat("toy", 1, "RUNNING")
    store.append("toy", 1, Batch(TRIALS, REPORTS, DECISIONS))
    return store


class Terminal:
    """The command line on the ledger in ``home``."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: str, code: int = 0, typed: str = "") -> Result:
        where = [] if arguments[0] in ("schema", "--help") else ["--home", str(self.home)]
        result = CliRunner().invoke(main, [*arguments, *where], input=typed)
        assert result.exit_code == code, result.output
        return result


@pytest.fixture
def sieve(home: Path) -> Terminal:
    """Runs a verb of ``sieve`` and checks its exit code."""
    return Terminal(home)
