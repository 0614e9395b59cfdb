"""Searchers and schedulers on a real Ray: what waits, what goes on, what is left out."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.engine.control.sweep import extend, run
from service.engine.submit.local import submit
from service.ledger.home import open_store
from service.ledger.records import Batch, ReportRecord, TrialRecord
from service.policy.limits import Left
from service.policy.observation import Observation
from service.policy.policy import Job, Policy
from service.spec.errors import SpecError, UserError
from tests.ray.toys import PROJECT, go, toy

PROMOTE = {"algorithm": "promote", "reduction_factor": 2}
HYPERBAND = {"algorithm": "hyperband", "reduction_factor": 2}
THREE = [{"data": 0.1, "epochs": 1}, {"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 2}]


def score(x: float, epochs: int) -> float:
    """What `toy:curve` reports after so many epochs, if it has seen each of them."""
    return float(x * (1 - 0.5**epochs))


def test_trials_wait_at_their_rungs_and_the_best_go_on_from_their_checkpoints(tmp_path: Path) -> None:
    spec = toy(schedule=PROMOTE, stages=THREE, search={"algorithm": "random", "trials": 12}, resources={})
    outcome = go(spec, tmp_path)
    store = open_store(tmp_path)
    trials, decisions = store.trials("toy"), store.decisions("toy")
    assert (outcome.state, {t.state for t in trials}) == ("SUCCEEDED", {"FINISHED", "STOPPED"})
    for trial in trials:
        reports = [r for r in store.reports("toy") if r.trial == trial.number]
        assert [r.epoch for r in reports] == list(range(1, len(reports) + 1)), "nothing twice, nothing left out"
        assert [r.metrics["score"] for r in reports] == [score(trial.config["x"], r.epoch) for r in reports]
        assert trial.why == [d.reason for d in decisions if d.trial == trial.number][-1]
        assert len(reports) == (4 if trial.state == "FINISHED" else trial.stage + 1)
    kinds = {kind: [d for d in decisions if d.verdict == kind] for kind in ("pause", "promote", "stop", "finish")}
    assert kinds["promote"]
    assert len(kinds["finish"]) < len(trials) / 2
    assert all(f"is rank {d.numbers['rank']} of {d.numbers['of']}" in d.reason for d in kinds["stop"])
    assert sum(t.checkpoint is not None for t in trials) == 1, "the others cannot be gone on from"


def test_a_trial_whose_curve_stays_below_is_stopped_inside_its_stage(tmp_path: Path) -> None:
    spec = toy(
        schedule=PROMOTE,
        stages=[{"data": 0.1, "epochs": 4}, {"data": 1.0, "epochs": 1}],
        search={"algorithm": "random", "trials": 12, "seed": 2},
    )
    assert go(spec, tmp_path).state == "SUCCEEDED"
    store = open_store(tmp_path)
    cut = [d for d in store.decisions("toy") if d.reason.startswith("stopped in stage 0 after")]
    assert cut
    trials = {t.number: t for t in store.trials("toy")}
    for decision in cut:
        reports = [r for r in store.reports("toy") if r.trial == decision.trial]
        assert f"after {len(reports)} epochs" in decision.reason
        assert len(reports) < 4
        assert (trials[decision.trial].state, trials[decision.trial].why) == ("STOPPED", decision.reason)


def test_hyperband_halves_its_brackets(tmp_path: Path) -> None:
    spec = toy(schedule=HYPERBAND, search={"algorithm": "random", "trials": 4})
    go(spec, tmp_path)
    store = open_store(tmp_path)
    trials = {t.number: t for t in store.trials("toy")}
    assert sorted(t.state for t in trials.values()) == ["FINISHED", "FINISHED", "FINISHED", "STOPPED"]
    [loser] = [d for d in store.decisions("toy") if d.verdict == "stop"]
    assert "is rank 2 of 2 in bracket 1, the best 1 go on" in loser.reason
    assert trials[loser.trial].config["x"] == min(trials[1].config["x"], trials[2].config["x"])


def waits(home: Path) -> bool:
    """The sweep is on, and at least two of its trials wait."""
    store = open_store(home)
    return store.sweep("toy").state == "RUNNING" and sum(t.state == "PAUSED" for t in store.trials("toy")) > 1


def test_who_waits_stays_when_the_sweep_pauses_and_goes_when_it_ends(tmp_path: Path) -> None:
    spec = toy(
        schedule=HYPERBAND | {"reduction_factor": 4},  # The first bracket has 16 trials that all wait for each other.
        parameters={"x": {"uniform": [0, 1]}, "sleep": 0.1},
        stages=THREE,
        search={"algorithm": "random", "trials": 20},
    )
    submit(spec, tmp_path, project=PROJECT)

    def wish(what: str) -> None:
        while not waits(tmp_path):
            time.sleep(0.05)
        open_store(tmp_path).wish("toy", what)

    for what, state in (("pause", "PAUSED"), ("cancel", "CANCELLED")):
        wisher = threading.Thread(target=wish, args=(what,))
        wisher.start()
        assert run("toy", tmp_path).state == state
        wisher.join()
        trials = open_store(tmp_path).trials("toy")
        if what == "pause":
            assert sum(t.state == "PAUSED" for t in trials) > 1
            assert {t.state for t in trials} <= {"PAUSED", "PENDING", "FINISHED", "STOPPED"}
            assert all(t.checkpoint and Path(t.checkpoint).exists() for t in trials if t.state == "PAUSED")
        else:
            assert {t.state for t in trials} <= {"CANCELLED", "FINISHED", "STOPPED"}
            assert all("cancelled as wished" in t.why for t in trials if t.state == "CANCELLED")


def test_a_sweep_that_is_extended_leaves_alone_whom_it_sent_home(tmp_path: Path) -> None:
    go(toy(schedule=HYPERBAND, search={"algorithm": "random", "trials": 4}), tmp_path)
    before = open_store(tmp_path).trials("toy")
    extend("toy", 4, tmp_path)
    assert run("toy", tmp_path).state == "SUCCEEDED"
    after = open_store(tmp_path).trials("toy")
    assert [(t.state, t.why) for t in after[:4]] == [(t.state, t.why) for t in before]
    assert {t.state for t in after} == {"FINISHED", "STOPPED"}
    assert len(after) == 8


def test_skipped_stages_are_not_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trial 1 is told at its beginning what to leave out, others when they are promoted."""
    decide = Policy.next

    def skipping(policy: Policy, table: list[Observation], left: Left) -> Job | None:
        job = decide(policy, table, left)
        if job is None or (job.ruling is None and job.trial != 1):
            return job
        return replace(job, skipped=(1,) if job.ruling else (0,))

    monkeypatch.setattr(Policy, "next", skipping)
    go(toy(schedule=HYPERBAND, stages=THREE, search={"algorithm": "random", "trials": 4}), tmp_path)
    store = open_store(tmp_path)
    first, *others = store.trials("toy")
    path = {
        t.number: [(r.stage, r.epoch, r.budget) for r in store.reports("toy") if r.trial == t.number] for t in others
    }
    finished = [t for t in others if t.state == "FINISHED"]
    assert (first.skipped, first.state) == ([0], "FINISHED")
    assert [(r.stage, r.epoch, r.budget) for r in store.reports("toy") if r.trial == 1] == [
        (1, 1, 0.5),
        (2, 2, 1.5),
        (2, 3, 2.5),
    ]
    assert len(finished) == 2
    for trial in finished:
        assert trial.skipped == [1]
        assert path[trial.number] == [(0, 1, 0.1), (2, 2, 1.1), (2, 3, 2.1)]


@pytest.mark.parametrize("searcher", ["searchers:Climber", "ray.tune.search.hyperopt:HyperOptSearch"])
def test_a_searcher_of_the_users_own_runs_a_sweep(tmp_path: Path, searcher: str) -> None:
    spec = toy(
        schedule=PROMOTE,
        search={"algorithm": searcher, "trials": 6, "initial": [{"x": 0.9}]},
    )
    assert go(spec, tmp_path).state == "SUCCEEDED"
    trials = open_store(tmp_path).trials("toy")
    assert [t.origin for t in trials] == ["initial"] + 5 * [searcher]
    assert len({t.config["x"] for t in trials}) == 6


@pytest.mark.parametrize(
    ("searcher", "says"),
    [
        ("searchers:Climbr", "searcher searchers:Climbr: searchers has no Climbr.*Climber"),
        ("serchers:Climber", "searcher module serchers is not found from .*; run from the folder that holds it"),
        ("searchers:NotASearcher", "is a class NotASearcher; name a subclass of ray.tune.search.Searcher"),
        ("searchers:Demanding", "cannot be made: TypeError: .*budget.*; correct the searcher"),
        ("searchers:Elsewhere", "suggests a config without x"),
    ],
)
def test_a_searcher_that_cannot_be_leaves_no_sweep(tmp_path: Path, searcher: str, says: str) -> None:
    with pytest.raises(SpecError, match=says) as refused:
        submit(toy(search={"algorithm": searcher}), tmp_path, project=PROJECT)
    assert [fault.where for fault in refused.value.violations] == ["search/algorithm"]
    assert open_store(tmp_path).sweeps() == []


PAIRS = (
    ("random", "fifo"),
    ("sobol", "asha"),
    ("grid", "hyperband"),
    ("hyperopt", "promote"),
    ("bayesopt", "asha"),
    ("bayesopt", "promote"),
)


@pytest.mark.parametrize(("searcher", "scheduler"), PAIRS)
def test_every_searcher_and_scheduler_works(tmp_path: Path, searcher: str, scheduler: str) -> None:
    """On real training, small: whatever is stopped, some trial gets to the end, and every verdict has its reason.

    All pairs of them are simulated in the unit tests.
    """
    parameters: dict[str, Any] = {"lr": {"loguniform": [1e-3, 1e-1]}, "hidden": {"choice": [8, 16]}}
    if searcher == "grid":
        parameters["lr"] = {"grid_search": [1e-3, 1e-2]}
    spec = toy(
        task="trainables.tasks.digits:Digits",
        metric={"name": "val_accuracy", "goal": "maximize"},
        parameters=parameters,
        stages=[{"data": 0.05, "epochs": 1}, {"data": 0.1, "epochs": 1}],
        search={"algorithm": searcher} if searcher == "grid" else {"algorithm": searcher, "trials": 4},
        schedule={"algorithm": scheduler, "reduction_factor": 2},
    )
    assert go(spec, tmp_path).state == "SUCCEEDED"
    store = open_store(tmp_path)
    states = [t.state for t in store.trials("toy")]
    assert len(states) == 4
    assert set(states) <= {"FINISHED", "STOPPED"}
    assert "FINISHED" in states
    assert all(d.reason for d in store.decisions("toy"))


def test_a_warm_start_begins_with_the_best_of_a_past_that_may_be_gone(tmp_path: Path) -> None:
    store = open_store(tmp_path, create=True)
    store.create("old", toy(name="old"), "/project", "ann", None)
    store.claim("old", "host:1:0", lambda sweep: False)
    trials = [TrialRecord(n, {"x": n / 10}, "FINISHED", 1) for n in range(1, 10)]
    store.append(
        "old",
        1,
        Batch(
            trials, [ReportRecord(t.number, 1, 3, 1.0, 2.1, {"score": t.config["x"]}, 1.0, True, 1.0) for t in trials]
        ),
    )
    spec = toy(search={"algorithm": "hyperopt", "trials": 12, "warm_start": ["old"]})
    submit(spec, tmp_path, project=PROJECT)
    store.remove("old", lambda sweep: False)
    submit(spec, tmp_path, project=PROJECT)
    assert run("toy", tmp_path).state == "SUCCEEDED"
    begun = [(trial.origin, trial.config["x"]) for trial in store.trials("toy")]
    assert begun[:3] == [("warm:old", pytest.approx(x)) for x in (0.9, 0.8, 0.7)]
    assert {origin for origin, _ in begun[3:]} == {"hyperopt"}
    with pytest.raises(UserError, match="there is no sweep 'old'"):
        submit(spec | {"name": "next"}, tmp_path, project=PROJECT)
    assert [sweep.name for sweep in store.sweeps()] == ["toy"]
