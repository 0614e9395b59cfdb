"""The steps of a trial, from its row to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.engine.state.dismissals import Dismissals
from service.engine.state.rounds import Round
from service.engine.state.trial_failure import TrialFailure
from service.engine.state.trial_progress import BEGUN
from service.engine.state.trial_steps import begun, broken, decision, judged, promoted, ruled, settled, started
from service.ledger.records import DecisionRecord, TrialRecord
from service.policy.limits import Ending
from service.policy.policy import Job, Policy
from service.policy.verdict import Ruling, Verdict
from service.spec.states import VerdictKind
from tests.unit.engine.conftest import spec_of

STAGES = [{"data": 0.25, "epochs": 1}, {"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 1}]
SPEC = spec_of(stages=STAGES, retries=1)
ROUND = Round(1, SPEC, 4)
ROW = TrialRecord(5, {"x": 2.0}, "RUNNING", 0, 1)
ERROR = TrialFailure("error", "ValueError: no", "the traceback")


def test_a_new_trial_is_at_the_first_stage_that_it_trains() -> None:
    row = begun(Job(5, {"x": 2.0}, "random", skipped=(0,)), ROUND)
    assert row == TrialRecord(5, {"x": 2.0}, "PENDING", 1, 1, "random", skipped=[0])


def test_a_promoted_trial_leaves_out_what_it_is_told_now_and_was_told_before() -> None:
    ruling = Ruling(5, 0, Verdict("promote", "the best of 3", {"rank": 1}))
    row = promoted(replace(ROW, state="PAUSED", skipped=[0]), Job(5, ruling=ruling, skipped=(1,)), ruling, ROUND)
    assert (row.state, row.why, row.stage, row.skipped) == ("RUNNING", "the best of 3", 2, [0, 1])
    assert decision(5, 0, ruling.verdict, 7.0) == DecisionRecord(5, 0, "promote", "the best of 3", {"rank": 1}, 7.0)
    assert decision(5, 0, ruling.verdict, 7.0, 9).numbers == {"rank": 1, BEGUN: 9}


def test_a_trial_has_started_once() -> None:
    row = started(ROW, 0.0)
    assert started(replace(row, why="retry"), 9.0) == row
    assert row.started == 0.0


@pytest.mark.parametrize(
    ("kind", "state", "finished"),
    [("continue", "RUNNING", None), ("pause", "PAUSED", None), ("stop", "STOPPED", 9.0), ("finish", "FINISHED", 9.0)],
)
def test_a_verdict_makes_the_state(kind: VerdictKind, state: str, finished: float | None) -> None:
    row = judged(ROW, Verdict(kind, "why"), [{"score": 1.0}], 9.0)
    assert (row.state, row.why, row.finished, row.diagnosis) == (state, "why", finished, None)
    assert row == ruled(ROW, Verdict(kind, "why"), 9.0)


def test_a_trial_that_broke_waits_until_its_attempts_are_used_up() -> None:
    again = broken(ROW, ERROR, SPEC, 9.0)
    assert (again.state, again.attempt, again.error) == ("PENDING", 1, "the traceback")
    assert again.why == "retry 1 of 1 after: ValueError: no"
    failed = broken(again, ERROR, SPEC, 9.0)
    assert (failed.state, failed.attempt, failed.why, failed.finished) == ("FAILED", 1, "ValueError: no", 9.0)
    assert "use a smaller batch_size" in broken(ROW, replace(ERROR, kind="memory"), SPEC, 9.0).why


@pytest.mark.parametrize(
    ("ending", "states"),
    [
        (Ending("PAUSED", "as wished"), ["PENDING", "PAUSED"]),
        (Ending("QUEUED", "made room"), ["PENDING", "PAUSED"]),
        (Ending("STOPPED", "budget used"), ["STOPPED", "STOPPED"]),
        (Ending("SUCCEEDED", "target reached"), ["STOPPED", "STOPPED"]),
        (Ending("CANCELLED", "as wished"), ["CANCELLED", "CANCELLED"]),
    ],
    ids=lambda value: value.state if isinstance(value, Ending) else "",
)
def test_an_ending_settles_who_trains_and_who_waits(ending: Ending, states: list[str]) -> None:
    rows = [settled(row, ending, 9.0) for row in (ROW, replace(ROW, state="PAUSED"))]
    assert [row.state for row in rows] == states
    assert [row.finished for row in rows] == [None if state in ("PENDING", "PAUSED") else 9.0 for state in states]


class Rows:
    """A table of trials, and how often it was told."""

    def __init__(self, *rows: TrialRecord) -> None:
        self.trials = {row.number: row for row in rows}
        self.decisions: list[DecisionRecord] = []

    def record(self, trial: TrialRecord, *, decisions: list[DecisionRecord] | tuple[()] = ()) -> None:
        self.trials[trial.number] = trial
        self.decisions += decisions


def test_only_those_that_wait_are_dismissed(monkeypatch: pytest.MonkeyPatch) -> None:
    policy, rulings = Policy(SPEC), [Ruling(number, 0, Verdict("stop", "too late")) for number in (1, 2)]
    monkeypatch.setattr(policy, "dismissals", lambda over=False: rulings)
    rows = Rows(replace(ROW, number=1), replace(ROW, number=2, state="PAUSED"))
    Dismissals(policy, rows, lambda: 3.0, lambda: 9.0).record()
    assert [(row.state, row.finished) for row in rows.trials.values()] == [("RUNNING", None), ("STOPPED", 9.0)]
    assert rows.decisions == [DecisionRecord(2, 0, "stop", "too late", {}, 3.0)]
