"""Results as DataFrames: columns, dtypes, what is missing."""

from __future__ import annotations

import pandas as pd
import pytest

from service.ledger.records import Batch, DecisionRecord, ReportRecord, TrialRecord
from service.ledger.results import Results
from service.ledger.store import Store
from service.spec.errors import UserError

COLUMNS = {
    "trial": "int64",
    "state": "string",
    "why": "string",
    "stage": "Int64",
    "epoch": "Int64",
    "budget": "float64",
    "score": "float64",
    "best_score": "float64",
    "config/x": "float64",
    "config/n": "int64",
    "config/opt": "string",
    "seconds": "float64",
    "gpu_seconds": "float64",
    "node": "string",
    "checkpoint": "string",
    "error": "string",
    "started": "datetime64[us, UTC]",
    "finished": "datetime64[us, UTC]",
}


@pytest.fixture()
def results(claimed: Store) -> Results:
    """Trial 1 finished falling, 2 finished best and slow, 3 ties with it but is quicker, 4 is stopped, 5 waits."""
    trials = [
        TrialRecord(1, {"x": 0.1, "n": 1, "opt": "sgd"}, "FINISHED", seconds=1, started=1e9, finished=1e9 + 0.25),
        TrialRecord(2, {"x": 0.2, "n": 2, "opt": "adam"}, "FINISHED", seconds=9),
        TrialRecord(3, {"x": 0.3, "n": 3}, "FINISHED", seconds=2),
        TrialRecord(4, {"x": 0.4, "n": 4}, "STOPPED"),
        TrialRecord(5, {"x": 0.5, "n": 5}, "PENDING"),
    ]
    values = {1: [0.8, 0.6], 2: [0.1, 0.7], 3: [0.2, 0.7], 4: [0.99]}
    reports = [
        ReportRecord(trial, stage, stage + 1, 0.5, 0.5 * (stage + 1), {"score": value}, 1.0, True, 0.1)
        for stage in (0, 1)
        for trial, scores in values.items()
        for value in scores[stage : stage + 1]
    ]
    claimed.append("a", 1, Batch(trials, reports, [DecisionRecord(4, 0, "stop", "bad", {"rank": 4}, 2.0)]))
    return Results(claimed)


def test_trials_have_the_documented_columns_and_dtypes(results: Results) -> None:
    frame = results.trials("a")
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == COLUMNS
    assert frame["trial"].tolist() == [1, 2, 3, 4, 5]
    assert frame["score"].tolist()[:4] == [0.6, 0.7, 0.7, 0.99]
    assert frame["best_score"].tolist()[:4] == [0.8, 0.7, 0.7, 0.99]
    assert frame["started"][0] == pd.Timestamp(1e9, unit="s", tz="UTC")
    assert (frame["finished"] - frame["started"])[0] == pd.Timedelta(milliseconds=250)


def test_what_is_missing_is_never_zero(results: Results) -> None:
    waiting = results.trials("a").iloc[4]
    for column in ("stage", "epoch", "budget", "score", "best_score", "config/opt", "node", "error", "started"):
        assert pd.isna(waiting[column]), column


def test_history_has_a_row_per_report(results: Results) -> None:
    frame = results.history("a")
    assert list(frame.columns) == [
        *("trial", "stage", "data", "epoch", "budget", "time"),
        *("config/x", "config/n", "config/opt", "score"),
    ]
    assert frame["trial"].tolist() == [1, 2, 3, 4, 1, 2, 3]
    assert frame.groupby("trial")["config/x"].first().tolist() == [0.1, 0.2, 0.3, 0.4]


def test_best_is_among_the_finished_and_ties_go_to_the_quicker(results: Results) -> None:
    assert results.best("a", 10)["trial"].tolist() == [3, 2, 1]
    assert results.best("a")["trial"].tolist() == [3]


def test_decisions_and_sweeps(results: Results) -> None:
    assert results.decisions("a").to_dict("records") == [
        {"trial": 4, "stage": 0, "verdict": "stop", "reason": "bad", "time": 2.0, "numbers/rank": 4}
    ]
    sweeps = results.sweeps()
    assert sweeps.loc[0, ["sweep", "trials", "finished_trials"]].tolist() == ["a", 5, 3]
    assert pd.isna(sweeps.loc[0, "finished"])


def test_without_rows_the_columns_are_there(claimed: Store) -> None:
    results = Results(claimed)
    assert list(results.trials("a").columns) == [name for name in COLUMNS if not name.startswith("config/")]
    assert results.best("a").empty
    assert str(results.history("a").dtypes["epoch"]) == "int64"


def test_sql_reads(results: Results) -> None:
    frame = results.sql("select state, count(*) as n from trials group by state order by n desc")
    assert frame.to_dict("records")[0] == {"state": "FINISHED", "n": 3}


@pytest.mark.parametrize("statement", ["delete from trials", "drop table reports", "selec 1", "insert into x values (1)"])
def test_sql_only_reads(results: Results, statement: str) -> None:
    with pytest.raises(UserError, match="SELECT"):
        results.sql(statement)
    assert len(results.trials("a")) == 5
