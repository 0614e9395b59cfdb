"""Checkpoints go when nothing can go on from them, and not before the ledger knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from service.engine.head.checkpoint_retention import CheckpointRetention
from service.engine.head.heartbeat import Heartbeat
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.ledger.home import open_store
from service.ledger.ledger import Orders
from service.ledger.records import ReportRecord, TrialRecord
from service.spec import load
from tests.ray.toys import toy


class Sweep:
    """A sweep of one stage; trials end with the value of their number, and each has a checkpoint on disk."""

    def __init__(self, home: Path, keep: str) -> None:
        metric = {"name": "score", "goal": "maximize", "target": 4.5}
        spec = self.spec = load(toy(metric=metric, stages=[{"data": 1.0, "epochs": 2}], checkpoints={"keep": keep}))
        self.home = home
        store = open_store(home, create=True)
        store.create("toy", spec.to_dict(), "/", "me", None)
        self.log = TrialLog(store, "toy", store.claim("toy", "head", lambda _: False).attempt)
        self.retention = CheckpointRetention(spec, self.log)
        self.heartbeat = Heartbeat(spec, self.log, SweepStopper(spec, self.log, 0.0), lambda *_: Orders())

    def end(self, number: int, state: str, epoch: int = 2) -> None:
        folder = self.home / str(number)
        folder.mkdir()
        row = TrialRecord(number, {"x": 0.5}, "RUNNING", checkpoint=str(folder / "latest.pt"))
        self.log.record(row)
        metrics = {"score": float(number)}
        report = ReportRecord(number, 0, epoch, 1.0, float(epoch), metrics, 0.0, epoch == 2, 1.0)
        self.log.remember(report, self.spec.metric, 1)
        self.log.record(replace(row, state=state), [report])

    @property
    def kept(self) -> list[int]:
        return [number for number in self.log.trials if (self.home / str(number)).exists()]


@pytest.mark.parametrize(("keep", "kept"), [("all", [1, 2, 3, 4]), ("finished", [1, 2]), ("best", [2])])
def test_those_of_the_spec_are_kept(tmp_path: Path, keep: str, kept: list[int]) -> None:
    sweep = Sweep(tmp_path, keep)
    for number, state in enumerate(("FINISHED", "FINISHED", "STOPPED", "FAILED"), 1):
        sweep.end(number, state)
    assert sweep.retention.remove(sweep.log.flush()) == (keep != "all")
    assert sweep.kept == kept
    assert [number for number, row in sweep.log.trials.items() if row.checkpoint] == kept
    assert not sweep.retention.remove(sweep.log.flush()), "what is gone is not removed again"


@pytest.mark.parametrize(("keep", "kept"), [("all", [1, 2, 5]), ("finished", [1, 5]), ("best", [5])])
def test_a_trial_that_reached_the_target_keeps_its_own_though_it_was_stopped(
    tmp_path: Path, keep: str, kept: list[int]
) -> None:
    sweep = Sweep(tmp_path, keep)
    sweep.end(1, "FINISHED")
    sweep.end(2, "STOPPED", epoch=1)
    sweep.end(5, "STOPPED", epoch=1)
    sweep.retention.remove(sweep.log.flush())
    assert sweep.kept == kept


def test_a_trial_that_the_ledger_does_not_know_to_have_ended_keeps_its_own(tmp_path: Path) -> None:
    """However good or bad it is: a head that is killed now has to run it again."""
    sweep = Sweep(tmp_path, "best")
    sweep.end(2, "FINISHED")
    written = sweep.log.flush()
    sweep.end(1, "FINISHED")
    sweep.end(3, "FINISHED")
    assert not sweep.retention.remove(written)
    assert sweep.kept == [2, 1, 3]
    assert sweep.retention.remove(sweep.log.flush())
    assert sweep.kept == [3]


def test_one_that_ends_while_another_ones_goes_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row of what is removed is written, too, and with it whatever else has happened meanwhile."""
    sweep = Sweep(tmp_path, "best")
    remove, late = CheckpointRetention.remove, [4]

    def slowly(retention: CheckpointRetention, written: list[TrialRecord]) -> bool:
        removed = remove(retention, written)
        if removed and late:
            sweep.end(late.pop(), "FINISHED")
        return removed

    monkeypatch.setattr(CheckpointRetention, "remove", slowly)
    for number in (1, 2):
        sweep.end(number, "FINISHED")
    assert sweep.heartbeat.write()
    assert sweep.kept == [4]
    assert [row.number for row in open_store(tmp_path).trials("toy") if row.checkpoint] == [4]
