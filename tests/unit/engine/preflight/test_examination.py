"""Six ways to break a task, and some more: each is found, and named by the right line; a sound task is left alone."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.engine.preflight import Finding, Report, examination, look, target
from service.engine.preflight.checked import check
from service.engine.preflight.judges import steps
from service.spec import Spec, UserError, load
from trainables.probe import measure
from trainables.probe.evidence import CostEvidence, Evidence

PROJECT = str(Path(__file__).parents[3] / "projects")


def spec_of(task: str = "Healthy", **changes: Any) -> Spec:
    raw = {
        "name": "broken",
        "task": task if ":" in task else f"broken:{task}",
        "metric": {"name": "val_accuracy", "goal": "maximize"},
        "parameters": {"lr": {"loguniform": [1e-3, 0.1]}, "hidden": {"choice": [8, 32]}, "batch_size": 32},
        "stages": [{"data": 0.5, "epochs": 3}, {"data": 1.0, "epochs": 4}],
    }
    return load(raw | changes)


@cache
def of(task: str) -> Report:
    """What is found about a task."""
    return examined(spec_of(task))


def examined(spec: Spec) -> Report:
    """The whole check in this process, with all the time it may need."""
    question = examination.question(spec, PROJECT, seconds=120)
    return Report(tuple(examination.judge(spec, measure.thorough(question, check(spec, PROJECT).data))))


def wrong(report: Report) -> dict[str, Finding]:
    return {finding.name: finding for finding in report if finding.level != "ok"}


def test_a_sound_task_is_found_sound() -> None:
    report = of("Healthy")
    assert wrong(report) == {}
    seen = {finding.name for finding in report}
    assert seen >= {"data", "classes", "leak", "labels", "data order", "first loss", "one batch", "gradients"}
    assert seen >= {"parameters", "generalization", "metric", "one seed", "checkpoint", "corners"}


@pytest.mark.parametrize(
    ("task", "line", "level", "words"),
    [
        ("Shuffled", "labels", "fail", "validation labels do not go with their inputs"),
        ("Shuffled", "generalization", "fail", "validation is at chance"),
        ("Frozen", "parameters", "warn", "frozen (requires_grad is False): 0.weight, 0.bias"),
        ("Unconnected", "gradients", "fail", "the loss is not connected to the model"),
        ("Leaky", "leak", "warn", "40 of 200 validation examples (20.0%)"),
        ("Unordered", "data order", "fail", "in another order"),
        # By chance another order may change little: how much decides between a warning and a failure.
        ("Unordered", "one seed", "warn fail", "two runs with one seed differ"),
    ],
)
def test_a_broken_task_gets_the_right_line(task: str, line: str, level: str, words: str) -> None:
    found = wrong(of(task))[line]
    assert found.level in level.split(), found
    assert words in found.evidence
    assert found.cure


def test_a_rate_too_high_at_its_corner_is_named_with_its_value() -> None:
    parameters = {
        "lr": {"loguniform": [1e-4, 1e3]},
        "optimizer": "sgd",
        "hidden": {"choice": [8, 32]},
        "batch_size": 32,
    }
    report = examined(spec_of("Explosive", parameters=parameters, search={"initial": [{"lr": 0.01}]}))
    corners = [finding for finding in report if finding.name == "corners"]
    assert {finding.level for finding in corners} == {"warn"}
    assert any(finding.evidence.startswith("lr = 1000 diverges: the training loss became") for finding in corners)
    assert all("lower" in finding.cure for finding in corners)


@pytest.mark.parametrize(
    ("task", "line", "words"),
    [
        ("Unseeded", "one seed", "two runs with one seed differ"),
        ("Unheard", "parameters", "get no gradient: body.weight, body.bias, spare.weight, spare.bias"),
        ("Holed", "finite data", "3 entries of the inputs of the train data are NaN"),
        ("Constant", "metric", "val_accuracy is 0.25 after each of"),
        ("Forgetful", "checkpoint", "the epoch after a resume differs"),
    ],
)
def test_more_that_can_be_wrong(task: str, line: str, words: str) -> None:
    assert words in wrong(of(task))[line].evidence


def test_a_batch_that_fits_the_processes_of_a_trial_fits() -> None:
    parameters = {"lr": {"loguniform": [1e-3, 0.1]}, "batch_size": 256}
    alone = examined(spec_of("Large", parameters=parameters))
    assert "CUDA out of memory" in str(alone.failures)
    assert examined(spec_of("Large", parameters=parameters, resources={"workers": 4}))


def test_a_loop_of_the_users_own_is_run_twice_and_resumed() -> None:
    metric = {"name": "score", "goal": "maximize"}
    stages = [{"data": 1.0, "epochs": 3}]
    sound = examined(spec_of("remembers", metric=metric, stages=stages, parameters={"lr": {"choice": [0.05]}}))
    assert [(finding.name, finding.level) for finding in sound] == [
        ("metric", "ok"),
        ("one seed", "ok"),
        ("checkpoint", "ok"),
    ]
    deaf = examined(spec_of("remembers", metric=metric, stages=stages, parameters={"lr": {"uniform": [0.1, 0.5]}}))
    [unread] = [finding for finding in deaf if finding.name == "swept values"]
    assert unread.evidence.startswith("lr did not change anything in an epoch: 0.1 and 0.5 give the same losses")
    forgetful = examined(spec_of("forgets", metric=metric, stages=[{"data": 1.0, "epochs": 3}]))
    assert "after a resume" in wrong(forgetful)["checkpoint"].evidence
    misnamed = examined(spec_of("remembers", metric={"name": "scores", "goal": "maximize"}))
    assert "did you mean 'score'" in wrong(misnamed)["training"].evidence


@pytest.mark.parametrize(
    ("changes", "line", "words"),
    [
        ({"task": "Negative"}, "targets", "200 class labels are negative"),
        ({"metric": {"name": "val_acuracy", "goal": "maximize"}}, "metric", "the task reports no val_acuracy"),
        ({"parameters": {"lr": {"uniform": [0.0, 0.1]}}}, "corners", "lr = 0: lr is 0.0; use a number > 0"),
        (
            {"parameters": {"lr": 0.1, "warmup": {"choice": [0, 0.1, 9]}}},
            "corners",
            "warmup = 9: warmup is 9 epochs of 7",
        ),
        ({"task": "Shuffled"}, "labels", "do not go with their inputs"),
    ],
)
def test_the_quick_part_refuses_without_training(changes: dict[str, Any], line: str, words: str) -> None:
    report = examination.quick(spec_of(**changes), PROJECT)
    found = next(finding for finding in report.failures if finding.name == line)
    assert words in str(found)
    with pytest.raises(UserError, match="--no-check") as caught:
        examination.insist(report)
    assert words in str(caught.value)


def combined(**search: Any) -> list[Finding]:
    parameters = {"lr": 0.01, "batch_size": {"choice": [48, 96, 64]}, "accumulate": {"choice": [3, 1, 2]}}
    report = examination.quick(spec_of(parameters=parameters, search={"trials": 8, **search}), PROJECT)
    return [finding for finding in report if finding.name == "combinations"]


def test_values_that_do_not_go_together_are_found_though_each_corner_builds() -> None:
    [found] = combined()
    assert found.level == "warn"
    assert found.evidence.startswith("1 of 9 combinations (11%) of batch_size, accumulate are refused, e.g. accumulate")
    assert "when" in found.cure


def test_a_first_config_that_is_refused_fails() -> None:
    first, _ = combined(initial=[{"batch_size": 64, "accumulate": 3}])
    assert (first.level, first.evidence[:18]) == ("fail", "search/initial/0: ")
    assert "does not divide batch_size 64" in first.evidence
    assert len(combined(initial=[{"batch_size": 64}])) == 1  # The searcher may yet find what goes with it.


def test_of_many_combinations_some_are_drawn() -> None:
    sizes = {"batch_size": {"randint": [1, 300]}, "accumulate": {"randint": [1, 300]}}
    report = examination.quick(spec_of(parameters={"lr": 0.01, **sizes}), PROJECT)
    [found] = [finding for finding in report if finding.name == "combinations"]
    assert "of 2000 combinations (9" in found.evidence


def test_a_parameter_that_looks_like_one_of_the_recipe_is_a_finding() -> None:
    spec = spec_of(parameters={"learning_rate": {"loguniform": [1e-3, 0.1]}})
    [found] = examination.misspelt(check(spec, PROJECT))
    assert (found.level, found.name) == ("warn", "names")
    assert "learning_rate" in found.evidence
    assert "rename it" in found.cure


@pytest.mark.parametrize("task", ["Dice", "Rare", "RareUnlabelled", "Lazy", "Augmented"])
def test_an_unusual_task_is_found_sound(task: str) -> None:
    name = "val_recall" if task.startswith("Rare") else "val_accuracy"
    spec = spec_of(
        task=f"honest:{task}", metric={"name": name, "goal": "maximize"}, stages=[{"data": 1.0, "epochs": 2}]
    )
    assert examined(spec).failures == ()


def test_what_a_task_raises_is_a_finding_with_its_line() -> None:
    report = examination.quick(spec_of(task="honest:Unreadable"), PROJECT)
    [found] = report.failures
    assert found.name == "data"
    assert "FileNotFoundError: no file for example 0 (honest.py:" in found.evidence
    untried = Evidence(untried=("signal: KeyError: 'x' (task.py:3)",))
    [found] = examination.judge(spec_of(), untried)
    assert "could not be tried: signal: KeyError" in found.evidence
    assert "--seconds" not in found.cure


def test_the_quick_part_lets_a_sound_task_and_any_function_pass() -> None:
    examination.insist(examination.quick(spec_of(), PROJECT))
    assert examination.quick(spec_of("remembers"), PROJECT).findings == ()


def test_what_a_probe_raises_comes_back_as_words() -> None:
    asked = examination.question(spec_of(), PROJECT)
    result, said = target._probe("measure:nowhere", asked, None)
    assert result is None
    assert said is not None
    assert str(said).startswith("AttributeError: ")
    assert str(said).endswith("correct the task")


def test_a_report_is_a_frame() -> None:
    frame = examination.quick(spec_of("Negative"), PROJECT).frame()
    assert list(frame.columns) == ["level", "name", "evidence", "cure"]
    assert set(frame[frame["name"] == "targets"]["level"]) == {"fail"}


def test_a_first_rung_after_few_steps_is_told_with_a_plan_that_would_do() -> None:
    coarse = spec_of(stages=[{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 16}])
    [told] = [finding for finding in examination.quick(coarse, PROJECT) if finding.name == "steps"]
    assert told.level == "warn"
    assert "stage 0 ends after 2 optimizer steps; stage 1 ends after 306" in told.evidence
    raw = yaml.safe_load(told.cure.removeprefix("write "))
    [better] = [f for f in examination.quick(spec_of(**raw), PROJECT) if f.name == "steps"]
    assert better.level == "ok"


def test_a_plan_by_measured_costs_validates_no_longer_than_it_trains() -> None:
    spec = spec_of(stages=[{"data": 0.1, "epochs": 4}, {"data": 1.0, "epochs": 64}])
    looked = measure.quick(examination.question(spec, PROJECT), check(spec, PROJECT).data)
    cheap, dear = (
        replace(looked, costs=CostEvidence(((4 * (60 + validating), 64 * (600 + validating)),), 0, "cpu"))
        for validating in (1.0, 500.0)
    )
    assert steps.suggested(spec, dear)[0].epochs < steps.suggested(spec, cheap)[0].epochs


def test_of_a_loop_of_its_own_no_steps_are_told() -> None:
    report = examination.quick(spec_of("toy:curve"), PROJECT)
    assert [finding for finding in report if finding.name == "steps"] == []


def test_a_probe_sees_the_code_as_it_is_now(tmp_path: Path) -> None:
    task = "from probed_helper import answer\n\n\ndef train(config, stage):\n    return answer()\n"
    (tmp_path / "probed.py").write_text(task)
    asked = examination.question(load(spec_of().to_dict() | {"task": "probed:train"}), str(tmp_path))
    for expected in (1, 22):
        (tmp_path / "probed_helper.py").write_text(f"def answer():\n    return {expected}\n")
        (train, _), said = target._probe("measure:loaded", asked, None)
        assert said is None
        assert train({}, None) == expected


def test_an_answer_of_a_worker_is_forgotten_with_the_code_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(look._asked, ("cluster", "spec", PROJECT, True), ("answer", "data"))
    look.afresh(PROJECT)
    assert look._asked == {}
