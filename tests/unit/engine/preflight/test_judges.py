"""Findings are pure functions of evidence: each level of each, at its limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from service.engine.preflight.finding import Finding, Report
from service.engine.preflight.forecast import REPORT, cost, forecast
from service.engine.preflight.judges import costs, data, learning, trials
from tests.unit.engine.conftest import spec_of
from trainables.probe.evidence import (
    ArrayEvidence,
    CornerEvidence,
    CostEvidence,
    DataEvidence,
    FirstEvidence,
    LearningEvidence,
    Neighbours,
    ProbeFailure,
    Reach,
    RunsEvidence,
    Signal,
    StageEvidence,
)

ARRAYS = (ArrayEvidence("float32", (10, 3), 0), ArrayEvidence("int64", (10,), 0))
SOUND = DataEvidence(ARRAYS, ARRAYS, 2, (), (), 0, False, (StageEvidence(10, 10, 2, ()),), 0, 10, 10)
LEARNT = LearningEvidence(2.3, 0.2, 80, "adamw, lr 0.001", True)
TOLD = Signal(0.9, 0.25, 0.02, 0.85, 0.25, 0.02)
BUILT = CornerEvidence("lr = 1", None, 40, 2.3, 1.0, 1e-4, 0.5)


def levels(findings: Any) -> dict[str, str]:
    return {finding.name: finding.level for finding in findings}


@pytest.mark.parametrize(
    ("changes", "name", "level"),
    [
        ({}, "leak", "ok"),
        ({"leaked": 1}, "leak", "warn"),
        ({"compared": 0}, "leak", "ok"),
        ({"negative": 3}, "targets", "fail"),
        ({"negative": 3, "own_loss": True}, "targets", "warn"),
        ({"absent": (1,)}, "classes", "warn"),
        ({"unknown": (7,)}, "classes", "fail"),
        ({"unknown": (7,), "own_loss": True}, "classes", "warn"),
        ({"stages": (StageEvidence(10, 10, 1, (1,)),)}, "classes", "fail"),
        ({"stages": (StageEvidence(10, 10, 1, (1,)),), "own_loss": True}, "classes", "warn"),
        ({"stages": (StageEvidence(10, 10, 2, (), kept=3),)}, "rare classes", "ok"),
        ({"stages": (StageEvidence(10, 10, 2, (), kept=4),)}, "rare classes", "warn"),
        ({"ignored": 3}, "targets", "warn"),
        ({"validation": (ARRAYS[0], ArrayEvidence("float32", (10,), 2))}, "finite data", "fail"),
    ],
)
def test_data(changes: dict[str, Any], name: str, level: str) -> None:
    assert levels(data.data(replace(SOUND, **changes)))[name] == level


def test_odd_targets_are_told_from_odd_inputs() -> None:
    odd = (replace(ARRAYS[0], odd=1), ArrayEvidence("float32", (10,), 2))
    said = [finding.evidence for finding in data.data(replace(SOUND, validation=odd)) if finding.level == "fail"]
    assert said[0].startswith("1 entries of the inputs of the validation data")
    assert said[1].startswith("2 entries of the targets of the validation data")


def test_integers_of_an_own_loss_may_be_numbers() -> None:
    seen = replace(SOUND, negative=3, unknown=(7,), own_loss=True)
    assert all("float" in found.cure for found in data.data(seen) if found.level != "ok")


def test_a_leak_that_was_looked_for_in_a_part_is_scaled_to_all() -> None:
    large = (ArrayEvidence("float32", (5000, 3), 0), ArrayEvidence("int64", (5000,), 0))
    found = {f.name: f for f in data.data(replace(SOUND, train=large, leaked=5, compared=200, known=500))}["leak"]
    assert found.evidence.startswith("5 of 200 validation examples (2.5%) have the inputs of one of 500 of 5000")
    assert found.evidence.endswith("so about 25% those of any")
    none = {f.name: f for f in data.data(replace(SOUND, train=large, compared=200, known=500))}["leak"]
    assert "one of 500 of 5000 training examples" in none.evidence


@pytest.mark.parametrize(
    ("train", "validation", "level"),
    [(0.9, 0.85, "ok"), (0.9, 0.35, "warn"), (0.9, 0.27, "fail"), (0.3, 0.25, None)],
)
def test_neighbours(train: float, validation: float, level: str | None) -> None:
    found = Neighbours(train, validation, 0.25, 400, 1500)
    assert levels(data.neighbours(found)) == ({"labels": level} if level else {})


@pytest.mark.parametrize(
    ("train", "validation", "compared", "level", "words"),
    [
        (0.658, 0.68, 50, "ok", "68.0% of 50"),
        (0.658, 0.5, 50, "ok", "too few to tell"),
        (0.9, 0.5, 12, "ok", "too few to tell"),
        (0.9, 0.5, 30, "warn", "do not go with"),
    ],
)
def test_few_validation_examples_tell_little(
    train: float, validation: float, compared: int, level: str, words: str
) -> None:
    [found] = data.neighbours(Neighbours(train, validation, 0.5, compared, 1500))
    assert (found.level, words in found.evidence) == (level, True), found


def test_examples_that_are_far_from_training_do_not_fail() -> None:
    assert levels(data.neighbours(Neighbours(0.99, 0.26, 0.25, 400, 1500, farther=2.0))) == {"labels": "warn"}


@pytest.mark.parametrize(
    ("loss", "changes", "level"),
    [
        (2.4, {}, "ok"),
        (3.5, {}, "warn"),
        (1.1, {}, "warn"),
        (float("nan"), {}, "fail"),
        (None, {"error": "ValueError: shapes"}, "fail"),
        (9.0, {"own_loss": True}, "ok"),
        (30.0, {"own_loss": True}, "warn"),
        (-3.0, {"own_loss": True, "classes": None, "variance": 0.01}, "ok"),
        (1.2, {"classes": None, "variance": 1.0}, "ok"),
        (50.0, {"classes": None, "variance": 1.0}, "warn"),
        (7.0, {"classes": None}, "ok"),
    ],
)
def test_the_first_loss(loss: float | None, changes: dict[str, Any], level: str) -> None:
    seen = replace(FirstEvidence(loss, 10, None, False, ("val_loss",)), **changes)
    assert levels(learning.first(seen)) == {"first loss": level}


def test_metrics_that_fail_are_told_from_the_loss() -> None:
    seen = FirstEvidence(2.3, 10, None, False, (), "ZeroDivisionError: division by zero (task.py:7)")
    loss, metrics = learning.first(seen)
    assert (loss.name, loss.level, metrics.name, metrics.level) == ("first loss", "ok", "metrics", "fail")
    assert "ZeroDivisionError: division by zero (task.py:7)" in metrics.evidence


@pytest.mark.parametrize(
    ("changes", "name", "level", "words"),
    [
        ({}, "one batch", "ok", "from 2.3 to 0.2 in 80 steps"),
        ({"after": 2.0}, "one batch", "warn", "2"),
        ({"after": 2.3}, "one batch", "fail", "2.3"),
        ({"after": float("nan")}, "one batch", "fail", "nan"),
        ({"before": -0.5, "after": -0.95}, "one batch", "ok", "from -0.5 to -0.95"),
        ({"before": -1.9, "after": -2.3}, "one batch", "ok", "-2.3"),
        ({"before": 0.0, "after": -1.0}, "one batch", "ok", "-1"),
        ({"before": -0.9, "after": -0.92}, "one batch", "warn", "-0.92"),
        ({"before": -0.9, "after": -0.9}, "one batch", "fail", "-0.9"),
        ({"connected": False}, "gradients", "fail", "not connected"),
        ({"broken": ("a",)}, "gradients", "fail", "NaN or infinite: a"),
        ({"frozen": ("a", "b")}, "parameters", "warn", "frozen (requires_grad is False): a, b"),
        ({"silent": tuple("abcdefgh")}, "parameters", "warn", "a, b, c, d, e, f and 2 more"),
        ({"unchanged": ("a",)}, "parameters", "warn", "never change: a"),
    ],
)
def test_learning(changes: dict[str, Any], name: str, level: str, words: str) -> None:
    found = next(f for f in learning.learning(replace(LEARNT, **changes)) if f.name == name)
    assert (found.level, words in found.evidence) == (level, True), found


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "ok"),
        ({"validation": 0.27}, "fail"),
        ({"validation": 0.1}, "fail"),
        ({"validation": 0.34}, "warn"),
        ({"train": 0.3}, "ok"),
        ({"validation": 0.93, "validation_drawn": 0.93, "validation_spread": 0.0}, "ok"),
        ({"train_spread": 0.05, "validation_spread": 0.14, "validation": 0.5}, "ok"),
        ({"train_spread": 0.05, "validation_spread": 0.14, "validation": 0.25}, "ok"),
        ({"train": 0.1, "train_drawn": 1.4, "validation": 0.3, "validation_drawn": 1.4}, "ok"),
    ],
)
def test_generalization(changes: dict[str, float], level: str) -> None:
    assert levels(learning.signal(replace(TOLD, **changes))) == {"generalization": level}


def test_corners_are_named_with_what_is_wrong_with_them() -> None:
    broken = replace(BUILT, name="depth = 9", failure=ProbeFailure("error", "ValueError: too deep"))
    large = replace(BUILT, name="hidden = 9999", failure=ProbeFailure("memory", "CUDA out of memory"))
    wild = replace(BUILT, failure=ProbeFailure("diverged", "the training loss became nan", "lower lr"))
    climbing = replace(BUILT, name="momentum = 0.99", last=400.0)
    middle = replace(BUILT, name="the middle")
    found = list(trials.corners([middle, broken, large, wild, climbing, middle], 2.3))
    assert [(f.level, f.evidence) for f in found] == [
        ("fail", "depth = 9: ValueError: too deep"),
        ("fail", "hidden = 9999 does not fit in memory: CUDA out of memory"),
        ("warn", "lr = 1 diverges: the training loss became nan"),
        ("warn", "momentum = 0.99 diverges: the training loss is 400 after 40 steps"),
    ]
    assert "lower its upper bound" in found[2].cure
    assert levels(trials.corners([replace(middle, last=float("nan")), BUILT, BUILT], 2.3)) == {"corners": "fail"}
    assert levels(trials.corners([BUILT, wild, wild], 2.3)) == {"corners": "fail"}
    assert levels(trials.corners([middle, BUILT])) == {"corners": "ok"}


def test_a_failure_of_several_corners_is_told_once_with_its_own_cure() -> None:
    late = ProbeFailure("task", "warmup is 3 epochs of 1", "use fewer")
    first, second = (replace(BUILT, name=name, failure=late) for name in ("the middle", "lr = 1"))
    [found] = trials.corners([first, second, BUILT])
    assert (found.evidence, found.cure) == ("the middle, lr = 1: warmup is 3 epochs of 1", "use fewer")
    [found] = trials.corners([first, second])
    assert found.evidence.startswith("all 2 configs: warmup")


def test_a_metric_that_never_moves_is_named() -> None:
    assert levels(trials.constant([BUILT] * 4, "val_accuracy")) == {"metric": "warn"}
    assert levels(trials.constant([*[BUILT] * 4, replace(BUILT, value=0.6)], "val_accuracy")) == {}
    assert levels(trials.constant([BUILT], "val_accuracy")) == {}
    negative = replace(BUILT, first=-0.5, last=-0.45)
    assert levels(trials.constant([negative] * 4, "val_accuracy")) == {}  # Nothing was learnt.
    assert levels(trials.constant([replace(BUILT, last=2.2)] * 4, "val_accuracy")) == {}


def test_a_metric_at_its_end_may_be_earned() -> None:
    perfect = [replace(BUILT, value=1.0)] * 4
    assert levels(trials.constant(perfect, "val_accuracy", untrained=0.5)) == {}
    assert levels(trials.constant(perfect, "val_accuracy", untrained=1.0)) == {"metric": "warn"}
    mastered = [replace(one, last=0.01) for one in perfect]
    assert levels(trials.constant(mastered, "val_accuracy")) == {}


def test_a_parameter_that_changes_nothing_is_named_with_the_key_to_look_for() -> None:
    deaf, partly, heard = trials.reach(
        [
            Reach("net/width", (("8", "16", "64"),), 3, "4 steps"),
            Reach("act", (("relu", "gelu"),), 3, "4 steps"),
            Reach("lr", (), 2, "an epoch"),
        ]
    )
    assert (deaf.level, partly.level, heard.level) == ("warn", "warn", "ok")
    assert deaf.evidence == (
        "net/width did not change anything in 4 steps: 8, 16 and 64 give the same losses, bit for bit"
    )
    assert deaf.cure.startswith("see that the task reads config['net']['width']; fine if it acts later")
    assert partly.evidence == "act: relu and gelu give the same losses, bit for bit, in 4 steps"
    assert heard.evidence == "reach training: lr"


def test_a_loss_of_shapes_that_differ_fails() -> None:
    seen = FirstEvidence(1.0, None, 1.0, True, ("val_loss",), spread="Using a target size (a) that is different to (b)")
    *_, found = learning.first(seen)
    assert (found.level, found.evidence) == ("fail", seen.spread)


def test_the_metric_is_among_what_is_reported() -> None:
    assert (
        trials.metric("val_loss", ("val_loss", "val_accuracy")).evidence == "val_loss is reported, beside val_accuracy"
    )
    assert trials.metric("loss", ("loss",)).evidence == "loss is reported"
    found = trials.metric("accuracy", ("val_loss", "val_accuracy"))
    assert (found.level, found.cure) == ("fail", "name 'val_accuracy' as metric.name of the sweep")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"time": "warn"}),
        ({"apart": 0.0}, {"one seed": "ok", "time": "warn"}),
        ({"apart": 1e-6}, {"one seed": "warn", "time": "warn"}),
        ({"apart": 0.1, "changed": "", "resumed": 0.0}, {"one seed": "fail", "checkpoint": "ok"}),
        ({"changed": "", "resumed": 0.0}, {"checkpoint": "ok"}),
        ({"changed": "", "resumed": 1e-6}, {"checkpoint": "warn"}),
        ({"changed": "", "resumed": 0.1}, {"checkpoint": "fail"}),
        ({"changed": "model/weight", "resumed": 0.0}, {"checkpoint": "fail"}),
    ],
)
def test_runs(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert levels(trials.runs(replace(RunsEvidence({"score": 1.0}, 0.1), **changes))) == expected


def test_what_a_sweep_costs() -> None:
    spec = spec_of("promote", resources={"cpu": 1, "gpu": 0.5})  # 12 trials, about a third of them go on
    [expected] = forecast(spec)
    first, second = expected.trained
    assert (first, 4 <= second <= 7) == (12, True)
    found = cost(spec, [[10.0, 100.0]])
    assert found.seconds == pytest.approx(12 * (10 + REPORT) + second * (100 + 2 * REPORT))
    assert found.full_seconds == pytest.approx(12 * (110 + 3 * REPORT))
    assert (found.epochs, found.full_epochs) == pytest.approx((12 * 0.5 + second * 2, 12 * 2.5))
    capped = cost(spec_of("promote", budget={"epochs": 7}), [[10.0, 100.0]])
    assert (capped.epochs, capped.seconds) == pytest.approx((7, found.seconds * 7 / found.epochs))
    _, told = costs.costs(spec, CostEvidence(((10.0, 100.0),), 2**30, "H100"), slots=2, gpu=0.5)
    assert told.level == "ok"
    assert told.evidence.startswith(
        "about 5 min with 2 trials at once, 0.0807 GPU hours, 15.2 full-data epochs; 11 min"
    )


def test_a_budget_of_time_that_ends_the_sweep_early_is_told() -> None:
    spec = spec_of(budget={"time": "60s"})
    stages, told = costs.costs(spec, CostEvidence(((10.0, 100.0),), 0, "cpu"), slots=1, gpu=0.0)
    assert stages.evidence == "stage 0 10 s, stage 1 100 s for the config in the middle; the process grew by 0 MB"
    assert (told.level, "budget.time is 60 s" in told.evidence) == ("warn", True)


def test_that_several_processes_were_looked_at_as_one_is_told() -> None:
    [told] = costs.processes(spec_of(resources={"workers": 4}))
    assert (told.level, told.name) == ("ok", "processes")
    assert told.evidence.startswith("a trial's 4 processes were looked at as one")
    assert list(costs.processes(spec_of())) == []


def test_a_report_is_true_unless_something_failed() -> None:
    fine, strange, bad = Finding("ok", "a", "b"), Finding("warn", "c", "d", "e"), Finding("fail", "f", "g", "h")
    assert Report((fine, strange))
    assert not Report((fine, bad))
    assert str(Report((strange, bad))) == "warn  c: d; e\nfail  f: g; h"
    assert Report((fine,)).rows() == [{"level": "ok", "name": "a", "evidence": "b", "cure": ""}]


def test_gpus_that_the_sweep_leaves_alone_are_told() -> None:
    [told] = costs.idle_gpus(spec_of(), 8.0)
    assert (told.level, told.name) == ("warn", "gpus")
    assert "trials ask for no GPU where the cluster has 8" in told.evidence
    assert list(costs.idle_gpus(spec_of(), 0.0)) == []
    assert list(costs.idle_gpus(spec_of(resources={"gpu": "auto"}), 8.0)) == []
