"""Plain functions: their own loop, the stages' data, checkpoints of any kind, and a clean end at any time."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from torch.utils.data import TensorDataset

from trainables.adapters.function import FunctionRun
from trainables.adapters.stage_handle import StageHandle
from trainables.errors import TaskError
from trainables.stages import Plan, Stage

PLAN = Plan((Stage(0.5, 2), Stage(1.0, 3)))


def run(function: Any, reports: int, plan: Plan = PLAN, state: dict[str, Any] | None = None) -> list[Any]:
    """The position and metrics of each report."""
    runner = FunctionRun(function, {"lr": 1}, plan, seed=3)
    if state is not None:
        runner.load(state)
    seen = []
    for _ in range(reports):
        metrics = runner.run_epoch()
        seen.append((runner.stage, runner.done, metrics))
    runner.close()
    return seen


def test_a_function_is_called_once_per_stage_with_its_own_copy_of_the_config():
    calls = []

    def train(config: dict[str, Any], stage: StageHandle) -> None:
        calls.append((stage.index, stage.data, stage.epochs, stage.classes, stage.seed, dict(config)))
        config["lr"] = "spoilt"
        for epoch in stage:
            stage.report({"score": torch.tensor(float(epoch))})

    seen = run(train, 5)
    assert calls == [(0, 0.5, 2, None, 3, {"lr": 1}), (1, 1.0, 3, None, 3, {"lr": 1})]
    assert seen == [
        (0, 1, {"score": 0.0}),
        (0, 2, {"score": 1.0}),
        *((1, k + 1, {"score": float(k)}) for k in range(3)),
    ]


def test_reports_count_as_epochs_without_the_loop():
    def train(_config: dict[str, Any], stage: StageHandle) -> None:
        for score in range(stage.epochs):
            stage.report({"score": score})

    assert [position[:2] for position in run(train, 5)] == [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3)]


def test_an_early_return_ends_the_stage_with_the_last_values():
    def train(_config: dict[str, Any], stage: StageHandle) -> None:
        stage.report({"score": stage.index + 0.5})

    assert run(train, 4) == [
        (0, 1, {"score": 0.5}),
        (0, 2, {"score": 0.5}),
        (1, 1, {"score": 1.5}),
        (1, 3, {"score": 1.5}),
    ]


@pytest.mark.parametrize("start", ["continue", "fresh"])
def test_the_checkpoint_crosses_stages_only_where_they_continue(start):
    seen = []

    def train(_config: dict[str, Any], stage: StageHandle) -> None:
        seen.append(stage.checkpoint)
        for epoch in stage:
            stage.report({"score": 0}, checkpoint={"at": (stage.index, epoch)})

    run(train, 3, Plan((Stage(0.5, 2), Stage(1.0, 3, start=start))))
    assert seen == [None, {"at": (0, 1)} if start == "continue" else None]


@pytest.mark.parametrize("start", ["continue", "fresh"])
def test_the_checkpoint_crosses_a_skipped_stage_unless_that_starts_fresh(start):
    seen = []

    def train(_config: dict[str, Any], stage: StageHandle) -> None:
        seen.append((stage.index, stage.checkpoint))
        for _ in stage:
            stage.report({"score": 0}, checkpoint=stage.index)

    plan = Plan((Stage(0.5, 2), Stage(0.7, 2, start=start), Stage(1.0, 1)))
    run(train, 3, plan.without([1]))
    assert seen == [(0, None), (2, 0 if start == "continue" else None)]


def test_a_checkpoint_is_a_copy():
    weights = torch.zeros(2)

    def train(_config: dict[str, Any], stage: StageHandle) -> None:
        for epoch in stage:
            stage.report({"score": 0}, checkpoint=weights if epoch == 0 else None)
            weights.add_(1)

    runner = FunctionRun(train, {}, Plan((Stage(1.0, 3),)), 0)
    runner.run_epoch()
    runner.run_epoch()
    state = runner.state()
    runner.close()
    resumed: list[Any] = []

    def resume(_config: dict[str, Any], stage: StageHandle) -> None:
        resumed.extend([stage.checkpoint.tolist(), list(stage)])
        stage.report({"score": 0})

    run(resume, 1, Plan((Stage(1.0, 3),)), state)
    assert resumed == [[0.0, 0.0], [1, 2]]


@pytest.mark.parametrize("every", [1, 2, 9])
def test_a_cut_stage_resumes_after_its_newest_checkpoint_and_repeats_no_report(every):
    plan = Plan((Stage(0.5, 2), Stage(1.0, 6)))

    def train(_config: dict[str, Any], stage: StageHandle) -> None:
        total = stage.checkpoint or 0.0
        for epoch in stage:
            total += float(torch.rand(()))
            stage.report({"total": total}, checkpoint=total if (epoch + 1) % every == 0 else None)

    expected = run(train, 8, plan)
    for cut in range(1, 8):
        runner = FunctionRun(train, {"lr": 1}, plan, seed=3)
        for _ in range(cut):
            runner.run_epoch()
        state = runner.state()
        runner.close()
        assert run(train, 8 - cut, plan, state) == expected[cut:]


def test_the_code_after_the_last_report_runs_and_ending_a_trial_unwinds_the_rest():
    events = []

    def train(_config: dict[str, Any], stage: StageHandle) -> None:
        try:
            for _ in stage:
                try:
                    stage.report({"score": 0})
                except Exception:  # nothing that a user catches may keep the thread alive
                    events.append("caught")
            events.append("returned")
        finally:
            events.append("left")

    runner = FunctionRun(train, {}, PLAN, 0)
    for _ in range(3):
        runner.run_epoch()
    assert events == ["returned", "left"]
    runner.close()
    assert events == ["returned", "left", "left"]
    assert not [thread for thread in threading.enumerate() if thread.name == "sieve-train"]


def no_report(_config: dict[str, Any], stage: StageHandle) -> None:
    pass


def too_many(_config: dict[str, Any], stage: StageHandle) -> None:
    for _ in range(3):
        stage.report({"score": 0})


def twice(_config: dict[str, Any], stage: StageHandle) -> None:
    for _ in stage:
        stage.report({"score": 0})
        stage.report({"score": 0})


def no_number(_config: dict[str, Any], stage: StageHandle) -> None:
    stage.report({"score": [1, 2]})


def no_text(_config: dict[str, Any], stage: StageHandle) -> None:
    stage.report({1: 0.5})  # type: ignore[dict-item]


def no_mapping(_config: dict[str, Any], stage: StageHandle) -> None:
    stage.report(None)  # type: ignore[arg-type]


def a_text(_config: dict[str, Any], stage: StageHandle) -> None:
    stage.report({"score": "0.5"})


def a_vector(_config: dict[str, Any], stage: StageHandle) -> None:
    stage.report({"score": torch.ones(3)})


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_report, r"returned from stage 0 without a report; call stage.report\(\{...\}\)"),
        (too_many, "stage 0 has 2 epochs and 2 reports already; report once per epoch"),
        (twice, "report once per epoch"),
        (no_number, r"the metric score is \[1, 2\]; report a number"),
        (no_text, r"report\(\) names a metric 1, which is no text; write '1'"),
        (no_mapping, r"report\(\) got None; give a mapping of names to numbers, e.g. \{'accuracy': hits.mean\(\)\}"),
        (a_text, "the metric score is '0.5'; report a number"),
        (a_vector, r"the metric score is a tensor of shape \(3,\); report a number, e.g. with .item\(\) or .mean\(\)"),
    ],
)
def test_a_function_that_reports_wrongly_is_told(function, message):
    with pytest.raises(TaskError, match=message):
        run(function, 5)


def test_what_a_function_raises_is_raised_by_its_run():
    def fails(_config: dict[str, Any], _stage: StageHandle) -> None:
        raise ZeroDivisionError("own fault")

    def leaves(_config: dict[str, Any], _stage: StageHandle) -> None:
        raise SystemExit(1)

    with pytest.raises(ZeroDivisionError, match="own fault"):
        run(fails, 1)
    with pytest.raises(TaskError, match=r"the training function ends Python .*, by SystemExit\(1\); .* or return"):
        run(leaves, 1)


def test_subsets_are_those_of_a_task_class_and_of_the_kind_given():
    inputs, labels = np.arange(40.0), np.arange(40) % 2
    seen = []

    def train(_config: dict[str, Any], stage: StageHandle) -> None:
        pair = stage.subset((inputs, labels))
        single = stage.subset(torch.tensor(inputs), labels)
        wrapped = stage.subset(TensorDataset(torch.tensor(inputs)), labels=labels)
        seen.append([pair[0].tolist(), single.tolist(), [float(item[0]) for item in wrapped]])
        assert np.bincount(pair[1]).tolist() == [int(10 * stage.data * 2)] * 2
        stage.report({"score": 0})

    run(train, 4)
    assert seen[0][0] == seen[0][1] == seen[0][2]
    assert len(seen[0][0]) == 20
    assert set(seen[0][0]) < set(seen[1][0])


ROWS, CLASSES = np.arange(40.0), np.arange(40) % 2
SHUFFLED = pd.Series(CLASSES, index=np.random.default_rng(0).permutation(40))


def subset_of(*arguments: Any) -> list[Any]:
    """What the subset of the first stage is."""
    found: list[Any] = []

    def train(_config: dict[str, Any], stage: StageHandle) -> None:
        found.append(stage.subset(*arguments))
        stage.report({"score": 0})

    run(train, 1)
    return found


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (SHUFFLED, pd.Series),
        (SHUFFLED.to_frame(), pd.DataFrame),
        (pd.Categorical(CLASSES), pd.Categorical),
        (SHUFFLED.index.map(SHUFFLED), pd.Index),
        (pa.array(CLASSES), pa.Array),
        (pa.chunked_array([CLASSES[:7], CLASSES[7:]]), pa.ChunkedArray),
        (pa.table({"label": CLASSES}), pa.Table),
        (CLASSES.tolist(), list),
        (tuple(CLASSES.tolist()), tuple),
        (list(torch.tensor(CLASSES)), list),
        (torch.tensor(CLASSES), torch.Tensor),
    ],
)
def test_subsets_are_taken_by_position_whatever_holds_the_examples(labels, kind):
    [(rows, chosen)] = subset_of((ROWS, labels), CLASSES)
    assert isinstance(chosen, kind)
    assert np.asarray(chosen).ravel().tolist() == [int(row) % 2 for row in rows]
    [alone] = subset_of(labels, CLASSES) if not isinstance(labels, tuple) else [chosen]
    assert [int(value) for value in np.asarray(alone).ravel()] == np.asarray(chosen).ravel().tolist()


def test_a_column_of_classes_with_an_index_of_its_own_stratifies_by_position():
    [(rows, chosen)] = subset_of((ROWS, SHUFFLED))
    assert chosen.value_counts().to_dict() == {0: 10, 1: 10}
    assert chosen.tolist() == [int(row) % 2 for row in rows]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"x": ROWS, "y": CLASSES},), r"examples is a dict; give a tuple of arrays"),
        ((({"x": ROWS}, CLASSES),), "examples/0 is of type dict; give a numpy array or a tensor"),
        (((ROWS, CLASSES[:5]),), r"examples has arrays of \[40, 5\] examples; give each the same number"),
        (([ROWS, CLASSES],), r"examples is a list of 2 arrays with 40 rows each; write a tuple"),
        ((ROWS, CLASSES[:5]), r"there are 5 labels for 40 examples; give one for each"),
        ((iter(ROWS),), "examples is a .*iterator, a stream, whose examples have no number .*; give a map-style"),
    ],
)
def test_examples_that_cannot_be_taken_by_position_are_refused(arguments, message):
    with pytest.raises(TaskError, match=message):
        subset_of(*arguments)


def test_a_checkpoint_that_cannot_be_saved_is_named():
    def train(config, stage):
        stage.report({"score": 1.0}, checkpoint={"scale": lambda x: x})

    with pytest.raises(TaskError, match=r"the checkpoint given to report\(\) cannot be saved: .*; give plain data"):
        FunctionRun(train, {}, PLAN, 0).run_epoch()
