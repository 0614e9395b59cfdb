"""Rows as text."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from service.interface.text import tables

ROWS: list[dict[str, Any]] = [
    {"trial": 1, "val": 0.123456789, "config/lr": 1e-20, "why": "a, b", "config/layers": [8, 8], "node": "n1"},
    {"trial": 12, "val": math.nan, "config/lr": None, "why": "", "config/layers": [8], "node": "n1"},
]


def test_of_a_traceback_a_table_has_the_last_line() -> None:
    error = "Traceback (most recent call last):\n  File \"a.py\", line 1, in a\nValueError: no column 'price'\n"
    assert tables.render([{"error": error}]).splitlines() == ["error", "ValueError: no column 'price'"]
    assert json.loads(tables.render([{"error": error}], "json")) == [{"error": error}]


def test_a_table_is_aligned_short_and_dashes_what_is_missing() -> None:
    assert tables.render(ROWS).splitlines() == [
        "trial     val  config/lr  why   config/layers  node",
        "    1  0.1235      1e-20  a, b  [8, 8]         n1",
        "   12       –          –        [8]            n1",
    ]


def test_json_keeps_every_digit_and_says_null() -> None:
    first, second = json.loads(tables.render(ROWS, "json"))
    assert first == ROWS[0]
    assert second["val"] is None
    assert second["config/lr"] is None


def test_csv_keeps_every_digit_and_leaves_the_missing_empty() -> None:
    first, second = csv.DictReader(io.StringIO(tables.render(ROWS, "csv")))
    assert (float(first["val"]), float(first["config/lr"]), first["why"]) == (0.123456789, 1e-20, "a, b")
    assert json.loads(first["config/layers"]) == [8, 8]
    assert (second["val"], second["config/lr"]) == ("", "")


@pytest.mark.parametrize(("output", "text"), [("table", "none"), ("json", "[]"), ("csv", "")])
def test_no_rows(output: str, text: str) -> None:
    assert tables.render([], output, empty="none") == text


@pytest.mark.parametrize("value", [None, math.nan, pd.NA, pd.NaT])
def test_what_is_missing_is_never_shown_as_a_value(value: Any) -> None:
    assert tables.cell(value) == "–"
    assert json.loads(tables.render([{"x": value}], "json")) == [{"x": None}]


def test_infinity_survives_json() -> None:
    assert json.loads(tables.render([{"x": math.inf}], "json")) == [{"x": "inf"}]


def test_compact_drops_bookkeeping_and_empty_columns_and_shortens_names() -> None:
    rows = [{"trial": 1, "node": "n", "error": None, "stage": 0, "config/stage": 3, "config/lr": 0.1}]
    assert tables.compact(rows) == [{"trial": 1, "stage": 0, "config/stage": 3, "lr": 0.1}]


FINISHED: list[dict[str, Any]] = [
    {
        "trial": n,
        "state": "FINISHED",
        "why": f"finished with {n}",
        "stage": 2,
        "budget": 9.0,
        "val": n / 3,
        "best_val": 1.0,
    }
    | {"config/lr": 0.1 * n, "config/depth": 2, "config/momentum": None, "config/name": "x" * 20, "seconds": 1.5}
    for n in (1, 2)
]


def test_the_best_trials_are_told_apart_and_what_they_share_is_said_once() -> None:
    head, *_, shared = tables.leaders(FINISHED, "none", width=100).splitlines()
    assert head.split() == ["trial", "val", "lr", "seconds"]
    assert shared == f"the same in all: depth 2, name {'x' * 20}"


def test_a_single_best_trial_keeps_its_parameters() -> None:
    assert tables.leaders(FINISHED[:1], "none").split()[:5] == ["trial", "val", "lr", "depth", "name"]


def test_best_trials_that_did_not_finish_keep_state_and_reason() -> None:
    shown, _ = tables.brief([row | {"state": "STOPPED"} for row in FINISHED])
    assert shown[0]["state"] == "STOPPED"
    assert list(shown[0])[-1] == "why"


def test_what_is_wrong_with_a_best_trial_is_said_below_the_table() -> None:
    head, *_, said, _ = tables.leaders([FINISHED[0] | {"diagnosis": "overfits"}, FINISHED[1]], "none", 100).splitlines()
    assert "diagnosis" not in head
    assert said == "trial 1: overfits"


def test_the_table_of_the_best_is_never_wider_than_told_and_says_what_it_leaves_out() -> None:
    rows = [row | {"config/extra": str(row["trial"]) * 30} for row in FINISHED]
    text = tables.leaders(rows, "none", width=40)
    assert max(map(len, text.splitlines())) <= 40
    assert "too wide to show" in text
    assert "extra" in text
    assert tables.leaders([], "none") == "none"


def test_moments_become_times_in_utc() -> None:
    [row] = tables.dated([{"started": 0.0, "finished": None, "time": 5.0}])
    assert row == {"started": datetime(1970, 1, 1, tzinfo=UTC), "finished": None, "time": 5.0}
    assert tables.cell(row["started"]) == "1970-01-01 00:00:00"
    assert json.loads(tables.render([row], "json"))[0]["started"] == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_as_people_say_them(seconds: float | None, text: str) -> None:
    assert tables.duration(seconds) == text
