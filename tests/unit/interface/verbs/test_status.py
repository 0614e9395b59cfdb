"""Where a sweep stands, from its records alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from service.ledger.records import ReportRecord, TrialRecord
from service.ledger.results.status import Leader, Level, Runner, Status, snapshot
from service.spec import load
from tests.unit.interface.conftest import REPORTS, SPEC, TRIALS, report, sweep


def status(**changes: Any) -> Status:
    return snapshot(sweep(**changes), TRIALS, REPORTS, now=1025.0)


def test_the_funnel_counts_who_reached_runs_finished_and_was_stopped() -> None:
    assert status().funnel == (
        Level(stage=0, data=0.1, epochs=1, reached=4, running=0, finished=2, stopped=1),
        Level(stage=1, data=1.0, epochs=4, reached=2, running=1, finished=1, stopped=0),
    )


def test_a_running_trial_shows_its_progress_through_its_stage() -> None:
    assert status().running == (Runner(trial=3, stage=1, progress=0.5, value=0.7),)
    promoted = snapshot(sweep(), TRIALS[2:3], [report(3, 1, 0.9)], now=1025.0)
    assert promoted.running[0].progress == 0.0
    silent = snapshot(sweep(), [TrialRecord(1, {}, "RUNNING")], [], now=1025.0)
    assert silent.running == (Runner(trial=1, stage=0, progress=0.0, value=None),)


def test_the_best_is_from_the_end_of_the_last_stage() -> None:
    assert status().best == Leader(trial=1, stage=1, value=0.8, final=True)


def test_a_coarse_best_is_marked_and_compares_one_rung_only() -> None:
    coarse = [one for one in REPORTS if one.epoch < 5]
    assert snapshot(sweep(), TRIALS, coarse, 0.0).best == Leader(trial=3, stage=0, value=0.9, final=False)
    assert snapshot(sweep(), TRIALS, coarse[3:6], 0.0).best is None


def test_the_goal_decides_what_is_best_and_nan_never_is() -> None:
    lower = SPEC | {"metric": {"name": "val_accuracy", "goal": "minimize"}}
    ends = [report(1, 1, float("nan")), report(2, 1, 0.2), report(3, 1, 0.9)]
    assert snapshot(replace(sweep(), spec=lower), TRIALS, ends, 0.0).best == Leader(2, 0, 0.2, final=False)


def test_the_share_compares_the_work_with_full_training_of_the_trials_planned() -> None:
    now = status()
    assert now.used == pytest.approx(4.1 + 0.1 + 2.1)
    assert now.full == pytest.approx(6 * (0.1 * 1 + 1.0 * 4)), "every stage, for the six trials that there will be"
    assert now.full_begun == pytest.approx(3 * (0.1 * 1 + 1.0 * 4)), "the same for the three that have begun"
    assert now.share == pytest.approx(6.3 / 24.6)
    assert snapshot(sweep(), [], [], 0.0).share == 0.0


def test_more_trials_than_the_spec_wants_are_planned_too() -> None:
    few = SPEC | {"search": {"algorithm": "random", "trials": 2}}
    now = snapshot(replace(sweep(), spec=load(few).to_dict()), TRIALS, REPORTS, 0.0)
    assert (now.planned, now.full) == (4, pytest.approx(4 * 4.1))


def test_time_is_that_of_the_heads_until_the_last_heartbeat() -> None:
    assert status().elapsed == 120.0
    assert status().silence == 5.0
    assert status(state="PAUSED", heartbeat=None).elapsed == 100.0
    assert status(state="PAUSED", heartbeat=None).silence is None


def test_the_time_to_go_follows_the_pace_and_the_cost_of_trials_that_ended() -> None:
    # mean cost 2.1 of trials 1 and 2; two of six have not begun; trial 3 has had its share; 120 s for 6.3 so far
    assert status().eta == pytest.approx(2 * 2.1 * 120 / 6.3)
    assert status(state="PAUSED").eta is None
    assert snapshot(sweep(), TRIALS[2:3], [report(3, 1, 0.9)], 0.0).eta is None


def test_whoever_waits_at_a_rung_is_counted_and_expected_to_stay() -> None:
    waiting = [replace(trial, state="PAUSED") if trial.state == "STOPPED" else trial for trial in TRIALS]
    now = snapshot(sweep(), waiting, REPORTS, now=1025.0)
    assert now.counts["PAUSED"] == 1
    assert now.eta == status().eta


def test_a_skipped_stage_is_not_reached() -> None:
    trials = [replace(trial, skipped=[0]) if trial.number == 3 else trial for trial in TRIALS]
    assert [level.reached for level in snapshot(sweep(), trials, REPORTS, 0.0).funnel] == [3, 2]
    first = replace(REPORTS[-1], epoch=1)
    assert snapshot(sweep(), trials, [first], 0.0).running[0].progress == 0.25


ROUNDS = {"count": 2, "trials": 3, "stages": [[{"data": 1.0, "epochs": 2}, {"data": 1.0, "epochs": 8}]]}


def later(number: int, score: float, stage: int = 0) -> ReportRecord:
    """The report of a trial of round 1 at the end of a stage."""
    return replace(report(number, 1, score), stage=stage)


def test_a_round_with_stages_of_its_own_has_its_own_funnel_and_best() -> None:
    spec = load(SPEC | {"rounds": ROUNDS}).to_dict()
    trials = [*TRIALS, TrialRecord(5, {"lr": 0.2}, "FINISHED", stage=1, round=1)]
    coarse = snapshot(replace(sweep(), spec=spec), trials, [*REPORTS, later(5, 0.3)], 0.0)
    assert (coarse.round, coarse.rounds, coarse.planned) == (1, 2, 4 + 3)
    assert [(level.epochs, level.reached, level.finished) for level in coarse.funnel] == [(2, 1, 1), (8, 1, 0)]
    assert coarse.best == Leader(trial=1, stage=1, value=0.8, final=True), "a coarse value is no final one"
    assert coarse.full == pytest.approx(4 * 4.1 + 3 * 10), "four trials of the round that is over, three of this one"
    assert coarse.full_begun == pytest.approx(3 * 4.1 + 10)
    final = snapshot(replace(sweep(), spec=spec), trials, [*REPORTS, later(5, 0.3), later(5, 0.4, 1)], 0.0)
    assert final.best == Leader(trial=5, stage=1, value=0.4, final=True), "values of two plans are not compared"


def test_rounds_with_the_same_stages_share_a_funnel() -> None:
    spec = load(SPEC | {"rounds": {"count": 3}}).to_dict()
    trials = [*TRIALS, TrialRecord(5, {"lr": 0.2}, "STOPPED", stage=0, round=1)]
    now = snapshot(replace(sweep(), spec=spec), trials, [*REPORTS, later(5, 0.3)], 0.0)
    assert (now.funnel[0].reached, now.funnel[0].finished, now.funnel[0].stopped) == (5, 2, 2)
    assert (now.round, now.planned) == (1, 4 + 2 * 6)


@pytest.mark.parametrize(
    ("budget", "eta", "ends"),
    [
        ({"epochs": 7.0}, 0.7 * 120 / 6.3, "epochs"),
        ({"time": 150.0}, 30.0, "time"),
        ({"gpu_hours": 5.0}, 0.5 * 120 / 4.5, "gpu_hours"),
        ({"epochs": 7.0, "time": 125.0, "gpu_hours": 5.0}, 5.0, "time"),
        ({"epochs": 70.0, "time": 1500.0, "gpu_hours": 50.0}, 80.0, None),
        ({"gpu_hours": 4.0}, 0.0, "gpu_hours"),
    ],
)
def test_the_budget_bounds_the_time_to_go(budget: dict[str, float], eta: float, ends: str | None) -> None:
    trials = [replace(trial, gpu_seconds=trial.seconds * 1800) for trial in TRIALS]
    now = snapshot(replace(sweep(), spec=SPEC | {"budget": budget}), trials, REPORTS, 0.0)
    assert now.eta == pytest.approx(eta)
    assert now.rest is not None
    assert now.rest.ends == ends
    assert now.rest.epochs == pytest.approx(eta * 6.3 / 120)
    assert now.rest.gpu_hours == pytest.approx(eta * 4.5 / 120)
    assert now.rest.trials == (2 if ends is None else min(2, -(-eta // 40)))
    assert {one.name for one in now.limits} == budget.keys()


@pytest.mark.parametrize(
    ("changes", "planned"),
    [
        ({}, 6),
        ({"budget": {"trials": 5}}, 5),
        ({"budget": {"trials": 1}}, 4),
        ({"parameters": {"lr": {"grid_search": [1, 2, 3, 4, 5]}}, "search": {"algorithm": "grid"}}, 5),
    ],
    ids=["as asked", "budget", "never fewer than there are", "grid"],
)
def test_the_planned_trials(changes: dict[str, Any], planned: int) -> None:
    assert snapshot(replace(sweep(), spec=SPEC | changes), TRIALS, REPORTS, 0.0).planned == planned
