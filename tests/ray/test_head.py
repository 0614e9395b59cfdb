"""The head on a real Ray: what it runs, records and survives."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from service.engine.control.sweep import Outcome, extend, run
from service.engine.submit.local import submit
from service.ledger.home import open_store
from service.ledger.results.results import Results
from service.spec.errors import UserError
from tests.ray.toys import PROJECT, go, toy


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """The home of a sweep that has run, as many trials at once as fit, and how its head left it."""
    home = tmp_path_factory.mktemp("finished")
    return home, go(toy(resources={}), home)


def test_every_trial_and_report_is_in_the_ledger(finished: tuple[Path, Outcome]) -> None:
    home, outcome = finished
    store = open_store(home)
    trials = store.trials("toy")
    assert (outcome.state, outcome.exit_code) == ("SUCCEEDED", 0)
    assert [t.number for t in trials] == list(range(1, 9))
    assert {t.state for t in trials} == {"FINISHED", "STOPPED"}
    reports = store.reports("toy")
    per_trial = {t.number: [r for r in reports if r.trial == t.number] for t in trials}
    for trial in trials:
        expected = 3 if trial.state == "FINISHED" else 1
        assert [r.epoch for r in per_trial[trial.number]] == list(range(1, expected + 1))
        assert [r.budget for r in per_trial[trial.number]] == [0.1, 1.1, 2.1][:expected]
        assert per_trial[trial.number][0].metrics["score"] == pytest.approx(trial.config["x"] * 0.5)
        assert trial.why
    assert store.sweep("toy").state == "SUCCEEDED"


def test_asha_stops_with_the_numbers_in_words(finished: tuple[Path, Outcome]) -> None:
    decisions = open_store(finished[0]).decisions("toy")
    stopped = [d for d in decisions if d.verdict == "stop"]
    assert stopped
    assert all(f"rank {d.numbers['rank']} of {d.numbers['of']}" in d.reason for d in stopped)
    assert all(d.numbers["value"] < d.numbers["cutoff"] for d in stopped)
    assert {d.stage for d in decisions if d.verdict == "finish"} == {1}


def test_fifo_stops_nothing_and_workers_are_reused(tmp_path: Path) -> None:
    spec = toy(schedule={"algorithm": "fifo"}, search={"algorithm": "random", "trials": 12}, resources={})
    go(spec, tmp_path)
    assert {t.state for t in open_store(tmp_path).trials("toy")} == {"FINISHED"}
    assert len({r.metrics["pid"] for r in open_store(tmp_path).reports("toy")}) <= 2


def test_the_data_are_loaded_once_and_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers lack the variable that loading needs: any that loads for itself fails its trial."""
    loads = tmp_path / "loads"
    monkeypatch.setenv("TOY_LOADS", str(loads))
    metric = {"name": "val_accuracy", "goal": "maximize"}
    outcome = go(toy(task="toy:LoadedOnce", metric=metric, retries=0, resources={}), tmp_path)
    assert outcome.state == "SUCCEEDED"
    assert "FAILED" not in {t.state for t in open_store(tmp_path).trials("toy")}
    assert loads.read_text() == "loaded\n"


def test_loggers_are_tunes_own_and_off_by_default(tmp_path: Path) -> None:
    two = {"search": {"algorithm": "random", "trials": 2}}
    go(toy(**two), tmp_path)
    assert not (tmp_path / "tune").exists()
    go(toy(name="logged", loggers=["csv", "json", "tensorboard"], **two), tmp_path)
    for trial in ("00001", "00002"):
        folder = tmp_path / "tune" / "logged-1" / trial
        assert "score" in (folder / "progress.csv").read_text().splitlines()[0]
        assert (folder / "result.json").exists()
        assert list(folder.glob("events.out.tfevents.*"))


@pytest.mark.skipif(find_spec("wandb") is not None, reason="wandb is installed here")
def test_a_logger_without_its_package_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"pip install '\.\[wandb\]'"):
        submit(toy(loggers=["wandb"]), tmp_path, project=PROJECT)
    assert open_store(tmp_path).sweeps() == []


def test_a_grid_runs_each_point_once(tmp_path: Path) -> None:
    spec = toy(parameters={"x": {"grid_search": [0.1, 0.2, 0.3]}}, search={"algorithm": "grid"})
    go(spec, tmp_path)
    assert sorted(t.config["x"] for t in open_store(tmp_path).trials("toy")) == [0.1, 0.2, 0.3]


def test_a_diverged_trial_fails_alone_and_at_once(tmp_path: Path) -> None:
    outcome = go(toy(task="toy:diverges"), tmp_path)
    trials = open_store(tmp_path).trials("toy")
    failed = [t for t in trials if t.config["x"] > 0.5]
    assert failed
    assert all(t.state == "FAILED" and "nan" in t.why for t in failed)
    assert {t.state for t in trials if t.config["x"] <= 0.5} <= {"FINISHED", "STOPPED"}
    assert outcome.exit_code == 0


def test_a_metric_that_is_seldom_reported_ends_no_sweep(tmp_path: Path) -> None:
    initial = [{"x": 0.25}, {"x": 0.75}, {"x": 0.5}]
    search = {"algorithm": "random", "trials": 3, "initial": initial}
    outcome = go(toy(task="toy:seldom", schedule={"algorithm": "promote"}, search=search), tmp_path)
    trials = {t.config["x"]: t for t in open_store(tmp_path).trials("toy")}
    assert trials[0.75].state == "FAILED"
    assert "the task reports no metric score at the end of stage 0, only epoch_seen" in trials[0.75].why
    assert trials[0.5].state == "FINISHED"
    assert trials[0.25].state in ("FINISHED", "STOPPED")
    assert outcome.exit_code == 0


@pytest.mark.parametrize("die", [False, True], ids=["raises", "process dies"])
def test_a_broken_attempt_is_tried_again(tmp_path: Path, die: bool) -> None:
    flag = tmp_path / "flag"
    spec = toy(
        task="toy:breaks_once",
        parameters={"x": {"uniform": [0, 1]}, "die": die, "flag": str(flag)},
        search={"algorithm": "random", "trials": 2},
        schedule={"algorithm": "fifo"},
    )
    outcome = go(spec, tmp_path)
    trials = open_store(tmp_path).trials("toy")
    assert outcome.state == "SUCCEEDED"
    assert [t.state for t in trials] == ["FINISHED", "FINISHED"]
    assert sum(t.attempt for t in trials) == 1


def test_a_sweep_whose_trials_all_fail_has_failed(tmp_path: Path) -> None:
    outcome = go(toy(task="toy:always_breaks", retries=0, search={"algorithm": "random", "trials": 3}), tmp_path)
    assert (outcome.state, outcome.exit_code) == ("FAILED", 1)
    assert "nothing works" in outcome.why
    assert all("nothing works" in (t.error or "") for t in open_store(tmp_path).trials("toy"))


def test_the_same_error_of_five_trials_pauses_the_sweep_and_none_is_lost(tmp_path: Path) -> None:
    spec = toy(task="toy:always_breaks", retries=0, search={"algorithm": "random", "trials": 20}, resources={})
    for heads in (1, 2):  # The next head does not give up before it has seen it, too.
        outcome = go(spec, tmp_path)
        assert (outcome.state, outcome.exit_code) == ("PAUSED", 1)
        assert "5 trials broke by the same error and none got past it: RuntimeError: nothing works; mend" in outcome.why
        store = open_store(tmp_path)
        trials = store.trials("toy")
        assert [t.state for t in trials].count("FAILED") == 4 * heads
        assert {t.state for t in trials} == {"FAILED", "PENDING"}
        assert len(trials) <= 6 * heads
    halts = [decision for decision in store.decisions("toy") if decision.verdict == "halt"]
    assert "broke by the same error as 4 others, and no trial got past it" in halts[0].reason
    assert go(spec | {"failures": {"pause_after": None}}, tmp_path).state == "FAILED"


def test_a_metric_never_reported_fails_the_sweep_at_the_first_report(tmp_path: Path) -> None:
    outcome = go(toy(metric={"name": "scor", "goal": "maximize"}), tmp_path)
    assert (outcome.state, outcome.exit_code) == ("FAILED", 2)
    assert "score" in outcome.why
    assert len([t for t in open_store(tmp_path).trials("toy") if t.state == "FAILED"]) <= 2


def test_the_first_report_of_the_last_stage_that_reaches_the_target_ends_the_sweep(tmp_path: Path) -> None:
    """A head that is killed then goes on with nothing; another target in the file goes on with new trials."""
    spec = toy(metric={"name": "score", "goal": "maximize", "target": 0.01})
    outcome = go(spec, tmp_path)
    assert outcome.state == "SUCCEEDED"
    assert re.search(r"target 0.01 reached: trial \d has score [\d.]+ after 1 epoch of the last stage", outcome.why)
    store = open_store(tmp_path)
    reports, [winner] = store.reports("toy"), Results(store).best_rows("toy")
    assert [(r.stage, r.epoch) for r in reports if r.trial == winner["trial"]] == [(0, 1), (1, 2)]
    assert sum(r.stage == 1 for r in reports) == 1
    assert (winner["state"], winner["epoch"], Path(winner["checkpoint"]).exists()) == ("STOPPED", 2, True)
    store.extend("toy", store.sweep("toy").spec)  # As if the head had been killed before it could say so.
    assert run("toy", tmp_path) == outcome
    assert store.reports("toy") == reports
    again = go(spec | {"metric": spec["metric"] | {"target": 2.0}}, tmp_path)
    assert "target" not in again.why
    assert len(store.trials("toy")) == 8


def test_the_budget_in_epochs_ends_the_sweep(tmp_path: Path) -> None:
    outcome = go(toy(budget={"epochs": 2.5}, schedule={"algorithm": "fifo"}), tmp_path)
    assert outcome.state == "STOPPED"
    assert "budget used" in outcome.why
    assert "PENDING" not in {t.state for t in open_store(tmp_path).trials("toy")}


@pytest.mark.parametrize(("name", "limit"), [("gpu_hours", 1.5 / 3600), ("time", 2.0)])
def test_a_budget_is_kept_to_within_an_epoch_of_each_trial_that_trains(tmp_path: Path, name: str, limit: float) -> None:
    epoch = 0.4
    spec = toy(
        parameters={"x": {"uniform": [0, 1]}, "sleep": epoch},
        stages=[{"data": 1.0, "epochs": 3}],
        schedule={"algorithm": "fifo"},
        resources={"cpu": 1, "gpu": 0.5},
        budget={name: limit},
    )
    outcome = go(spec, tmp_path)
    assert outcome.state == "STOPPED"
    assert outcome.why.startswith("budget used")
    store = open_store(tmp_path)
    trials, reports = store.trials("toy"), store.reports("toy")
    used = {
        "gpu_hours": sum(trial.gpu_seconds for trial in trials) / 3600,
        "time": float(re.findall(r"used: (\d+) of 2 seconds|$", outcome.why)[0] or 2.0),
    }
    slack = {"gpu_hours": 2 * 0.5 * 2 * epoch / 3600, "time": 1.0}
    assert sum(trial.gpu_seconds for trial in trials) == pytest.approx(0.5 * sum(trial.seconds for trial in trials))
    assert limit <= used[name] <= limit + slack[name]
    assert name != "time" or all(report.time < limit + epoch + slack[name] for report in reports)


def test_another_budget_lets_a_stopped_sweep_go_on(tmp_path: Path) -> None:
    for epochs, state in ((2.5, "STOPPED"), (1000, "SUCCEEDED")):
        assert go(toy(budget={"epochs": epochs}, schedule={"algorithm": "fifo"}), tmp_path).state == state
    assert len(open_store(tmp_path).trials("toy")) == 8


def test_a_sweep_that_failed_before_its_first_report_starts_over(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    spec = toy(
        task="toy:breaks_once",
        parameters={"x": {"uniform": [0, 1]}, "flag": str(flag)},
        search={"algorithm": "random", "trials": 1},
        retries=0,
    )
    assert go(spec, tmp_path).state == "FAILED"
    assert go(spec, tmp_path).state == "SUCCEEDED"
    assert [t.state for t in open_store(tmp_path).trials("toy")] == ["FINISHED"]


def test_an_extended_sweep_goes_on_with_the_next_numbers(tmp_path: Path) -> None:
    go(toy(checkpoints={"keep": "all"}), tmp_path)
    before = open_store(tmp_path).trials("toy")
    extend("toy", 4, tmp_path)
    assert run("toy", tmp_path).state == "SUCCEEDED"
    after = open_store(tmp_path).trials("toy")
    assert after[:8] == before
    assert [t.number for t in after] == list(range(1, 13))


def test_a_finished_sweep_is_left_alone(finished: tuple[Path, Outcome]) -> None:
    store = open_store(finished[0])
    before = store.reports("toy")
    assert go(toy(resources={}), finished[0]).exit_code == 0
    assert store.reports("toy") == before


def test_a_name_in_use_is_refused_and_nothing_changes(finished: tuple[Path, Outcome]) -> None:
    with pytest.raises(UserError, match="in use by a sweep with other parameters"):
        submit(toy(parameters={"x": {"uniform": [0, 2]}}), finished[0], project=PROJECT)
    assert open_store(finished[0]).sweep("toy").spec["parameters"] == {"x": {"uniform": [0, 1]}}


@pytest.mark.parametrize(
    ("task", "says"),
    [("toy:Blob", "Blobs"), ("toi:Blobs", "toi"), ("toy:NotATask", "Task")],
    ids=["no such name", "no such module", "not a task"],
)
def test_a_bad_task_leaves_no_sweep(tmp_path: Path, task: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        submit(toy(task=task), tmp_path, project=PROJECT)
    assert open_store(tmp_path).sweeps() == []


def test_only_what_may_be_needed_again_stays_on_disk(tmp_path: Path) -> None:
    go(toy(task="toy:Blobs", metric={"name": "val_accuracy", "goal": "maximize"}), tmp_path)
    trials = open_store(tmp_path).trials("toy")
    kept = [t for t in trials if t.checkpoint]
    finished = [t for t in trials if t.state == "FINISHED"]
    assert len(finished) > 1
    assert len(kept) == 1
    assert Path(kept[0].checkpoint or "").exists()
    assert len(list((tmp_path / "checkpoints" / "toy").iterdir())) == 1


def test_a_trial_that_learns_nothing_is_diagnosed(tmp_path: Path) -> None:
    spec = toy(
        task="toy:Blobs",
        metric={"name": "val_accuracy", "goal": "maximize"},
        parameters={"lr": {"loguniform": [1e-8, 1e-7]}},
        stages=[{"data": 1.0, "epochs": 4}],
        search={"algorithm": "random", "trials": 2},
        schedule={"algorithm": "fifo"},
    )
    go(spec, tmp_path)
    trials = open_store(tmp_path).trials("toy")
    assert all((t.diagnosis or "").startswith("underfits: train_loss only went from") for t in trials)


@pytest.mark.parametrize("name", ["stage", "seconds"])
def test_a_metric_with_the_name_of_a_column_fails_the_sweep(tmp_path: Path, name: str) -> None:
    spec = toy(task="toy:named", parameters={"x": {"uniform": [0, 1]}, "name": name}, retries=0)
    outcome = go(spec, tmp_path)
    assert (outcome.state, outcome.exit_code) == ("FAILED", 2)
    assert f"reports {name}" in outcome.why


def test_more_trials_in_the_file_extend_the_sweep_and_fewer_change_nothing(tmp_path: Path) -> None:
    def with_trials(count: int) -> dict[str, Any]:
        return toy(search={"algorithm": "random", "trials": count, "seed": 1})

    for asked, expected in ((2, 2), (4, 4), (3, 4)):
        assert go(with_trials(asked), tmp_path).state == "SUCCEEDED"
        assert len(open_store(tmp_path).trials("toy")) == expected


def test_more_than_the_cluster_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="asks for 64 CPU, the cluster has 2"):
        go(toy(resources={"cpu": 64}), tmp_path)
