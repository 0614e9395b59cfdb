"""Status, tables, report pages, files and frames pass tiny, huge and equal values."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from itertools import pairwise

from hypothesis import example, given, settings
from rich.console import Console

from service.interface.pages.report import Findings, page
from service.interface.text import status_view, tables
from service.ledger.records import ReportRecord, TrialRecord
from service.ledger.results.status import snapshot
from service.spec import load
from tests.extremes import ENDS, FINITE, MIXED
from tests.unit.interface.conftest import SPEC, report, sweep


def findings(values: list[float], seconds: float) -> Findings:
    """A sweep of a trial for each value, all of which finished both stages, and one that trains."""
    reports: list[ReportRecord] = []
    for number, value in enumerate(values, 1):
        for epoch in range(1, 6):
            made = report(number, epoch, 0.0)
            reports.append(replace(made, metrics={"val_accuracy": value, "train_accuracy": value}, seconds=seconds))
    trials = [
        TrialRecord(number, {"lr": value, "layers": 2**60}, "FINISHED", stage=1, seconds=seconds)
        for number, value in enumerate(values, 1)
    ]
    trials[-1] = replace(trials[-1], state="RUNNING")
    status = snapshot(sweep(), trials, reports, 2000.0)
    rows = [
        {
            "trial": t.number,
            "state": t.state,
            "config/lr": t.config["lr"],
            "config/layers": 2**60,
            "why": "",
            "val_accuracy": v,
            "started": 0.0,
        }
        for t, v in zip(trials, values, strict=True)
    ]
    return Findings(load(SPEC), status, reports, rows, [], 0.0)


@given(values=MIXED, seconds=FINITE.map(abs))
@example(values=list(ENDS), seconds=1e308)
@example(values=[0.5] * 5, seconds=0.0)
@example(values=[float("nan")] * 2, seconds=5e-324)
@settings(max_examples=25)
def test_whatever_was_reported_is_shown(values: list[float], seconds: float) -> None:
    found = findings(values, seconds)
    html = page(found)
    assert "Best trials" in html
    text = io.StringIO()
    Console(file=text, width=80).print(status_view.panel(found.status))
    assert found.status.name in text.getvalue()
    assert status_view.line(found.status)
    assert tables.leaders(found.rows, "none", 80)
    for output in ("table", "csv"):
        assert tables.render(found.rows, output)
    back = json.loads(tables.render(found.rows, "json"))
    assert [row["config/layers"] for row in back] == [2**60] * len(values)
    assert [tables.cell(value) for value in values]


@given(values=MIXED)
def test_a_value_is_written_in_full(values: list[float]) -> None:
    lines = tables.lines([{"value": value} for value in values], ["value"]).splitlines()[1:]
    for line, value in zip(lines, values, strict=True):
        assert (line in ("", '""')) == tables.is_missing(value)
        if not tables.is_missing(value):
            assert float(line) == value


def test_durations_of_any_length_have_words() -> None:
    for seconds in (0.0, 5e-324, 1e308, -0.0, float("inf"), float("nan")):
        assert tables.duration(seconds)
    assert [tables.duration(s) for s in (0.0, 59.4, 60.0)] == ["0 s", "59 s", "1 min 00 s"]
    assert all(a != b for a, b in pairwise([tables.duration(60.0 * n) for n in range(1, 59)]))
