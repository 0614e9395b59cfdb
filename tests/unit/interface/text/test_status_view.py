"""What people see of a status."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from service.interface.text import status_view
from service.ledger.records import DecisionRecord
from service.ledger.results.remaining import Limit, Rest
from service.ledger.results.status import Leader, Status, snapshot
from tests.unit.interface.conftest import DECISIONS, REPORTS, TRIALS, sweep


def now(**changes: Any) -> Status:
    return replace(snapshot(sweep(), TRIALS, REPORTS, now=1025.0), **changes)


def drawn(status: Status) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(status_view.panel(status, DECISIONS[-1]))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_the_panel_holds_funnel_running_trials_best_budget_and_the_newest_verdict() -> None:
    text = drawn(now())
    assert "toy  RUNNING  3 of 6 trials done, 1 failed  2 min 00 s, about 1 min 20 s to go" in text
    assert any(line.split()[-4:] == ["4", "0", "2", "1"] for line in text.splitlines())
    assert any(line.split()[:2] == ["3", "1"] and line.split()[-1] == "0.7" for line in text.splitlines())
    assert "best val_accuracy 0.8: trial 1" in text
    assert "budget 6.3 full-data epochs, 25.6 % of the 24.6 for all 6 trials in full" in text
    assert "for those begun" not in text, "more may begin"
    assert "trial 2 stopped after stage 0: 0.2 is rank 2 of 2" in text


def test_a_sweep_that_ended_with_fewer_trials_than_planned_is_measured_by_those_it_began_too() -> None:
    over = status_view.budget(now(state="STOPPED"))
    assert over.endswith("25.6 % of the 24.6 for all 6 trials in full, 51.2 % of the 12.3 for those begun")


def test_a_coarse_best_never_passes_for_a_final_one() -> None:
    text = status_view.best(now(best=Leader(3, 0, 0.9, final=False)))
    assert "0.9: trial 3 (coarse: after stage 0" in text
    assert "coarse" not in status_view.best(now())
    assert "none yet" in status_view.best(now(best=None))


def test_a_target_is_named() -> None:
    assert status_view.best(now(target=0.985)).endswith("(target 0.985)")


def test_before_the_first_report_nothing_is_a_percentage() -> None:
    assert "%" not in drawn(snapshot(sweep("QUEUED", heartbeat=None), [], [], now=0.0))


def test_the_forecast_names_what_is_to_come_and_the_budget_that_ends_it() -> None:
    assert status_view.forecast(now()) == "to come: about 2 trials, 4.2 epochs"
    assert (status_view.limits(now()), status_view.forecast(now(rest=None))) == ("", "")
    budgets = (Limit("gpu_hours", 1.5, 2.0), Limit("time", 120.0, 7200.0))
    short = now(rest=Rest(1, 0.7, 13.3, 0.5, "gpu_hours"), limits=budgets)
    assert status_view.forecast(short) == "to come: about 1 trial, 0.7 epochs, 0.5 GPU hours; budget.gpu_hours ends it"
    assert status_view.limits(short) == "used 1.5 of 2 GPU hours, 2 min 00 s of 2 h 00 min"
    for words in (status_view.forecast(short), status_view.limits(short)):
        assert words in drawn(short)
        assert words in status_view.line(short)


def test_nodes_are_said_to_be_avoided_until_they_are_trusted_again() -> None:
    def about(node: str, verdict: str) -> DecisionRecord:
        return DecisionRecord(7, 0, verdict, "broke there", {"node": node, "name": node.upper()}, 1.0)

    decisions = [*DECISIONS, about("a", "avoid"), about("b", "avoid"), about("a", "trust")]
    assert status_view.avoided(decisions) == ["node B is avoided: trial 7 broke there"]


def test_many_running_trials_are_cut_short() -> None:
    many = now(running=now().running * 20)
    assert "and 8 more" in drawn(many)


@pytest.mark.parametrize("height", [12, 16, 24])
def test_a_small_terminal_shows_it_all_and_counts_the_trials_without_room(height: int) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    many = now(running=now().running * 20)
    lines = console.render_lines(status_view.panel(many, DECISIONS[-1], height), pad=False)
    text = ["".join(segment.text for segment in line) for line in lines]
    assert len(lines) <= height or height == 12, "one trial is always shown"
    assert max(map(len, text)) <= 80
    assert any("stopped" in line for line in text)
    assert "more" in text[-1]


@pytest.mark.parametrize("width", [42, 50, 60, 79])
def test_a_narrow_terminal_keeps_every_count(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    lines = console.render_lines(status_view.panel(now(), None, 30, width), pad=False)
    words = ["".join(segment.text for segment in line).split() for line in lines]
    [heads] = [line for line in words if line[:1] == ["stage"]]
    assert heads[-4:] == ["reached", "running", "finished", "stopped"]
    assert any(line[-4:] == ["4", "0", "2", "1"] for line in words)
    assert ["3", "1", "50", "%", "0.7"] in words, "the running trial: number, stage, progress and value"


def test_what_comes_and_goes_moves_nothing_above_it() -> None:
    idle, busy = drawn(now(running=())).splitlines(), drawn(now()).splitlines()
    assert busy[: len(idle)] == idle


def test_a_silent_head_is_said() -> None:
    assert "no sign of its head for 2 min 00 s" in drawn(now(silence=120.0))
    assert "no sign" not in drawn(now())


def test_a_line_says_it_all_on_one() -> None:
    text = status_view.line(now())
    assert "\n" not in text
    assert "3 of 6 trials done" in text
    assert "4 reached stage 0, 2 reached stage 1" in text
    assert "best val_accuracy 0.8" in text
