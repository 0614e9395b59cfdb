"""The history as columns: the same values as row by row, whatever was reported."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from service.ledger.records import Batch, ReportRecord, TrialRecord
from service.ledger.results import frames, history
from service.ledger.results.results import Results
from service.ledger.store.store import Store, UnknownSweep
from tests.contract.ledger.conftest import SPEC

NAN, INF = math.nan, math.inf

METRICS: dict[str, list[dict[str, Any]]] = {
    "plain": [{"score": 0.1 + 0.2, "loss": 1e-300}, {"score": 1 / 3, "loss": -0.0}, {"score": 5e-324, "loss": 1.7e308}],
    "whole": [{"score": 0.5, "pid": 7, "big": 2**53 + 1}, {"score": 1.0, "pid": -7, "big": 2**62}],
    "now whole, now not": [{"score": 1, "x": 1}, {"score": 2, "x": 0.5}, {"score": 3, "x": 2}],
    "not finite": [{"score": NAN}, {"score": INF, "x": 1}, {"score": -INF}, {"score": 0.5}],
    "missing": [{"x": 1}, {"score": 0.5}, {}, {"y": 2.5, "x": 3}],
    "none": [{"score": None, "x": None}, {"score": None, "x": None}],
    "words": [{"score": 0.5, "note": "2020-01-01"}, {"score": 0.5, "note": 'a "b", \\ü\n'}, {"score": 0.5}],
    "yes and no": [{"score": 0.5, "ok": True}, {"score": 0.5, "ok": False}],
    "sometimes yes": [{"score": 0.5, "ok": True}, {"score": 0.5}],
    "anything": [{"score": 0.5, "v": [1, 2]}, {"score": 0.5, "v": {"a": 1}}, {"score": 0.5, "v": "w"}, {"v": 2}],
    "odd names": [{"score": 0.5, "a b/c:%s": 1.5, "": 2.5}],
    "nothing": [{}, {}],
}
CONFIGS = [
    {"lr": 0.1, "n": 1, "opt": "sgd", "mixed": 1, "deep": [1, 2]},
    {"lr": 1, "n": 2, "opt": "adam", "mixed": "a"},
    {"lr": 0.3, "n": 3, "only": True},
]


def fill(store: Store, name: str, metrics: list[dict[str, Any]]) -> None:
    store.create(name, SPEC, "/project", "ada", None)
    store.claim(name, "head", lambda _: False)
    trials = [TrialRecord(i, config, "RUNNING") for i, config in enumerate([*CONFIGS, {"never": 1}])]
    reports = [
        ReportRecord(i % 3, 0, i, 0.1, 0.1 * i, values, 1 / (i + 3), False, 0.2) for i, values in enumerate(metrics)
    ]
    store.append(name, 1, Batch(trials, reports))


def test_columns_hold_what_rows_do(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results(store)
    for kind, metrics in METRICS.items():
        fill(store, kind, metrics)
        by_row = frames.frame(results.history_rows(kind), frames.history_columns("score"))
        for chunk in (1, 2, 50_000):
            monkeypatch.setattr(history, "CHUNK", chunk)
            pd.testing.assert_frame_equal(results.history(kind), by_row, check_exact=True, obj=kind)
            table = results.history_table(kind)
            assert table.column_names == [*by_row.columns]
            pd.testing.assert_series_equal(table["seconds"].to_pandas(), by_row["seconds"], check_names=False)


def test_a_table_says_what_is_missing_and_what_is_no_number(store: Store) -> None:
    fill(store, "a", [{"score": NAN, "x": 1}, {"x": None}, {"score": 0.5, "v": [1]}, {"v": "w"}])
    table = Results(store).history_table("a")
    first, *others = table["score"].to_pylist()
    assert math.isnan(first)
    assert others == [None, 0.5, None]
    assert table["x"].to_pylist() == [1, None, None, None]
    assert table["v"].to_pylist() == [None, None, "[1]", '"w"']
    assert table["config/mixed"].to_pylist() == ["1", '"a"', None, "1"]
    assert table["config/only"].to_pylist() == [None, None, True, None]
    assert table.schema.field("config/lr").type == pa.float64()
    assert table.schema.field("config/opt").type == pa.string()


def test_an_empty_history_has_its_columns(claimed: Store) -> None:
    expected = frames.frame([], frames.history_columns("score"))
    pd.testing.assert_frame_equal(Results(claimed).history("a"), expected, check_exact=True)
    assert Results(claimed).history_table("a").column_names == [*expected.columns]
    with pytest.raises(UnknownSweep):
        Results(claimed).history_table("b")
