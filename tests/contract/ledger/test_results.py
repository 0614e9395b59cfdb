"""Results as DataFrames: columns, dtypes, what is missing."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from service.ledger.ledger import Needs
from service.ledger.records import Batch, DecisionRecord, ReportRecord, TrialRecord, WorthRecord
from service.ledger.results import frames
from service.ledger.results.results import Results
from service.ledger.results.status import snapshot
from service.ledger.store.store import Store
from service.spec import load
from service.spec.errors import UserError
from tests.contract.ledger.conftest import SPEC

COLUMNS = {
    "trial": "int64",
    "score": "float64",
    "config/x": "float64",
    "config/n": "int64",
    "config/opt": "string",
    "state": "string",
    "stage": "Int64",
    "epoch": "Int64",
    "budget": "float64",
    "best_score": "float64",
    "round": "int64",
    "why": "string",
    "seconds": "float64",
    "gpu_seconds": "float64",
    "node": "string",
    "checkpoint": "string",
    "error": "string",
    "diagnosis": "string",
    "started": "datetime64[us, UTC]",
    "finished": "datetime64[us, UTC]",
}

FULL = {
    **SPEC,
    "parameters": {"x": {"uniform": [0, 1]}},
    "stages": [{"data": 1.0, "epochs": 3}, {"data": 1.0, "epochs": 3}],
    "search": {"algorithm": "random", "trials": 5},
}


@pytest.fixture
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
    reports.append(ReportRecord(1, 1, 3, 0.5, 1.5, {"score": 0.5}, 1.0, True, 0.1))
    claimed.append("a", 1, Batch(trials, reports, [DecisionRecord(4, 0, "stop", "bad", {"rank": 4}, 2.0)]))
    return Results(claimed)


def test_trials_have_the_documented_columns_and_dtypes(results: Results) -> None:
    frame = results.trials("a")
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == COLUMNS
    assert frame["trial"].tolist() == [1, 2, 3, 4, 5]
    assert frame["score"].tolist()[:4] == [0.5, 0.7, 0.7, 0.99]
    assert frame["best_score"].tolist()[:4] == [0.6, 0.7, 0.7, 0.99]
    assert frame["started"][0] == pd.Timestamp(1e9, unit="s", tz="UTC")
    assert (frame["finished"] - frame["started"])[0] == pd.Timedelta(milliseconds=250)


def test_what_is_missing_is_never_zero(results: Results) -> None:
    missing = results.trials("a").isna()
    for column in ("stage", "epoch", "budget", "score", "best_score", "config/opt", "node", "error", "started"):
        assert missing.loc[4, column], column


def test_history_has_a_row_per_report(results: Results) -> None:
    frame = results.history("a")
    assert list(frame.columns) == [
        *("trial", "score", "config/x", "config/n", "config/opt"),
        *("stage", "epoch", "data", "budget", "time", "seconds"),
    ]
    assert frame["trial"].tolist() == [1, 2, 3, 4, 1, 2, 3, 1]
    assert frame.groupby("trial")["config/x"].first().tolist() == [0.1, 0.2, 0.3, 0.4]


def test_best_is_among_the_finished_and_ties_go_to_the_quicker(results: Results) -> None:
    assert results.best("a", 10)["trial"].tolist() == [3, 2, 1]
    assert results.best("a")["trial"].tolist() == [3]


def test_decisions_and_sweeps(results: Results) -> None:
    assert results.decisions("a").to_dict("records") == [
        {"trial": 4, "stage": 0, "verdict": "stop", "reason": "bad", "time": 2.0, "numbers/rank": 4}
    ]
    sweeps = results.sweeps()
    assert sweeps[["sweep", "trials", "finished_trials"]].to_dict("records") == [
        {"sweep": "a", "trials": 5, "finished_trials": 3}
    ]
    assert sweeps["finished"].isna().tolist() == [True]


def test_stages_have_their_newest_worth(claimed: Store) -> None:
    claimed.extend("a", SPEC | {"stages": [{"data": 0.1, "epochs": 2}, {"data": 1.0, "epochs": 5}]})
    reports = [ReportRecord(n, 0, 2, 0.1, 0.2, {"score": 0.5}, 1.0, True, 0.1) for n in (1, 2)]
    guesses = [WorthRecord(0, r, r - 0.1, r + 0.1, 9, 2.0, f"worth {r}", r) for r in (0.25, 0.75)]
    claimed.append("a", 1, Batch([TrialRecord(n, {}, "RUNNING") for n in (1, 2)], reports, worth=guesses))
    frame = Results(claimed).stages("a")
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == frames.STAGES
    plan = ["stage", "data", "epochs", "trials", "pairs"]
    assert frame[plan].values.tolist() == [[0, 0.1, 2, 2, 9], [1, 1.0, 5, 0, 0]]
    assert (frame["correlation"][0], frame["low"][0], frame["advice"][0]) == (0.75, 0.65, "worth 0.75")
    assert frame.loc[1, ["correlation", "low", "high", "seconds", "advice"]].isna().all()


def test_rounds_with_stages_of_their_own_are_not_compared(claimed: Store) -> None:
    rough, fine = [{"data": 0.1, "epochs": 1}], [{"data": 1.0, "epochs": 3}]
    claimed.extend("a", SPEC | {"stages": rough, "rounds": {"count": 3, "stages": [fine]}})
    scores = {1: (0, 0.9), 2: (0, 0.8), 3: (1, 0.5), 4: (2, 0.6)}
    trials = [TrialRecord(n, {}, "FINISHED", round=at) for n, (at, _) in scores.items()]
    reports = [ReportRecord(n, 0, 1, 1.0, 1.0, {"score": s}, n, True, 0.1) for n, (_, s) in scores.items()]
    worth = [WorthRecord(0, 0.9, 0.8, 1.0, 9, 1.0, "of the rough plan", 2.0)]
    claimed.append("a", 1, Batch(trials[:2], reports[:2], worth=worth))
    results = Results(claimed)
    assert results.best("a", 9)["trial"].tolist() == [1, 2]
    assert results.stages("a")[["epochs", "trials", "pairs"]].values.tolist() == [[1, 2, 9]]
    claimed.append("a", 1, Batch(trials[2:], reports[2:]))
    assert results.best("a", 9)["trial"].tolist() == [4, 3]
    assert results.stages("a")[["epochs", "trials", "pairs"]].values.tolist() == [[3, 2, 0]]


def test_without_rows_the_columns_are_there(claimed: Store) -> None:
    results = Results(claimed)
    assert list(results.trials("a").columns) == [name for name in COLUMNS if not name.startswith("config/")]
    assert results.best("a").empty
    assert {"epoch": "int64", "score": "float64"}.items() <= results.history("a").dtypes.astype(str).to_dict().items()


def test_sql_reads(results: Results) -> None:
    frame = results.sql("select state, count(*) as n from trials group by state order by n desc")
    assert frame.to_dict("records")[0] == {"state": "FINISHED", "n": 3}


WRITES = ["delete from trials", "drop table reports", "insert into x values (1)", "pragma user_version = 7", "commit"]


@pytest.mark.parametrize("statement", [*WRITES, "selec 1", "select :x", "select 1; delete from trials", ""])
def test_sql_only_reads(results: Results, statement: str) -> None:
    with pytest.raises(UserError, match="SELECT"):
        results.sql(statement)
    assert len(results.trials("a")) == 5


def test_sql_takes_colons_as_they_are(results: Results) -> None:
    assert results.sql("select ' :x' as word").to_dict("records") == [{"word": " :x"}]


def test_sql_makes_no_files(results: Results, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="SELECT"):
        results.sql(f"attach database '{tmp_path / 'other.db'}' as other")
    assert not (tmp_path / "other.db").exists()
    assert len(results.sql("select * from trials")) == 5


def test_values_that_are_no_numbers_win_nothing(claimed: Store) -> None:
    def trial(number: int, *scores: float) -> Batch:
        reports = [ReportRecord(number, 0, i, 1.0, i, {"score": x}, 0.0, True, 0.1) for i, x in enumerate(scores, 1)]
        return Batch([TrialRecord(number, {}, "FINISHED")], reports)

    for batch in (trial(1, math.nan), trial(2, math.inf), trial(3, math.nan, 0.5), trial(4, 0.9, math.nan)):
        claimed.append("a", 1, batch)
    results = Results(claimed)
    assert results.best("a", 9)["trial"].tolist() == [3]
    assert results.trials("a")["best_score"].fillna(-1).tolist() == [-1, -1, 0.5, 0.9]


@pytest.mark.parametrize("metric", ["größe", 'a "b"', "$.x[0]", "val/acc.1 %s :x", "a\\b", "12"])
def test_a_metric_has_any_name(store: Store, metric: str) -> None:
    store.create("a", {**SPEC, "metric": {"name": metric, "goal": "minimize"}}, "/project", "ada", None)
    store.claim("a", "head", lambda _: False)
    values = [{metric: 0.5}, {"other": 1.0}, {metric: 0.25}, {metric: math.nan}]
    reports = [ReportRecord(1, 0, i, 1.0, i, value, 0.0, False, 0.1) for i, value in enumerate(values)]
    store.append("a", 1, Batch([TrialRecord(1, {}, "RUNNING")], reports))
    [row] = Results(store).trial_rows("a")
    assert math.isnan(row[metric])
    assert (row[f"best_{metric}"], row["epoch"]) == (0.25, 3)
    assert Results(store).history("a")[metric].notna().tolist() == [True, False, True, False]


def test_the_status_from_milestones_is_that_from_all_reports(claimed: Store) -> None:
    claimed.extend("a", load({**FULL, "name": "a"}).to_dict())
    trials = [TrialRecord(n, {"x": 0.1}, state, stage=1) for n, state in enumerate(["FINISHED", "RUNNING", "STOPPED"])]
    reports = [
        ReportRecord(n, epoch // 3, epoch, 1.0, epoch / 3, {"score": epoch - n / 10}, 1.0, epoch % 3 == 2, 0.25 + n)
        for epoch in range(6)
        for n in range(3)
        if (n, epoch) not in ((1, 5), (2, 3), (2, 4), (2, 5))
    ]
    claimed.append("a", 1, Batch(trials, reports))
    fewer = claimed.milestones("a")
    assert [(r.trial, r.epoch) for r in fewer] == [(0, 2), (1, 2), (2, 2), (1, 4), (0, 5)]
    assert sum(r.seconds for r in fewer) == pytest.approx(sum(r.seconds for r in reports))
    sweep = claimed.sweep("a")
    assert snapshot(sweep, trials, fewer, 1e9) == snapshot(sweep, trials, reports, 1e9)


def test_a_bad_value_does_not_spoil_sql(claimed: Store) -> None:
    values = [math.nan, math.inf, -math.inf, 0.5]
    reports = [ReportRecord(1, 0, i, 1.0, i, {"score": value}, 0.0, True, 0.1) for i, value in enumerate(values)]
    claimed.append("a", 1, Batch([TrialRecord(1, {}, "RUNNING")], reports))
    score = "metrics->>'score'" if claimed.database.is_postgres else "json_extract(metrics, '$.score')"
    found = Results(claimed).sql(f"select {score} as score from reports order by id")
    assert found["score"].astype(float).fillna(-1).tolist() == [-1, math.inf, -math.inf, 0.5]
    assert [str(report.metrics["score"]) for report in claimed.reports("a")] == ["nan", "inf", "-inf", "0.5"]


def test_a_trial_that_waits_says_for_what(store: Store) -> None:
    store.create("idle", SPEC, "/project", "ann", None)
    attempt = store.claim("idle", "h:1:1", lambda _: False).attempt
    store.append("idle", attempt, Batch([TrialRecord(1, {"lr": 0.1}, "PENDING")]))

    def why() -> str:
        return str(Results(store).trials("idle").loc[0, "why"])

    store.beat("idle", attempt, "RUNNING")
    assert why() == "waits for a free slot"
    store.share({"idle": (3, "")})
    store.beat("idle", attempt, needs=Needs(running=3, wanted=6, asks={}))
    assert why() == "waits for a free slot: 3 of 3 train"
    store.beat("idle", attempt, needs=Needs(running=2, wanted=6, asks={}))
    assert why() == "starts: 2 of 3 train"
    store.end("idle", attempt, "FAILED", "so")
    assert why() == "waits for its sweep, which is FAILED"
