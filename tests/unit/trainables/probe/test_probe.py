"""Probes on a tiny task: what they measure is what is there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from trainables.data import Data
from trainables.errors import TaskError
from trainables.loop.assignment import Assignment
from trainables.probe import corners, measure, stage_costs
from trainables.probe.clock import Clock
from trainables.probe.evidence import Corner, Question
from trainables.probe.examples import contents, nearest_neighbour
from trainables.probe.examples.sample import shortened
from trainables.probe.finders.batch_size_finder import batch_sizes
from trainables.probe.finders.lr_finder import ramp
from trainables.probe.learning import one_batch, repeated_runs
from trainables.probe.part import rows_of_one
from trainables.stages import Plan, Stage
from trainables.worker.resolve import resolve

PLAN = Plan((Stage(0.5, 1), Stage(1.0, 2)))
CONFIG = {"lr": 0.05, "batch_size": 8}


@pytest.fixture(scope="module")
def task(project: Path) -> Any:
    return resolve("blobs:Blobs", str(project))


def question(project: Path, task: str = "blobs:Blobs", **changes: Any) -> Question:
    given = Assignment(CONFIG, 0, 0, "val_accuracy", PLAN, task, str(project), Path())
    return Question(given, (PLAN,), (Corner("the middle", CONFIG),), **changes)


def test_the_examples_are_counted(task: Any) -> None:
    looked = contents.look(task, task.data(), PLAN, 0)
    assert [(one.dtype, one.shape, one.odd) for one in looked.train] == [("float32", (60, 3), 0), ("int64", (60,), 0)]
    assert [stage.examples for stage in looked.stages] == [30, 60]
    assert (looked.classes, looked.leaked, looked.compared, looked.own_loss) == (2, 0, 30, False)


def test_a_dataset_is_looked_at_like_arrays(task: Any) -> None:
    data = task.data()
    sets = Data(TensorDataset(*data.train), TensorDataset(*data.validation), data.labels, data.validation_labels)
    looked = contents.look(task, sets, PLAN, 0)
    assert [one.shape for one in looked.train] == [(60, 3), (60,)]
    assert contents.repeats(sets, sets) == "same"
    leaky = Data(sets.train, sets.train, data.labels, data.labels)
    assert contents.look(task, leaky, PLAN, 0).leaked == 60


def test_classes_that_keep_their_only_example_are_counted(task: Any) -> None:
    x, y = np.zeros((102, 2), dtype="float32"), np.array([0] * 100 + [1, 2])
    [stage] = contents.look(task, Data((x, y), (x, y)), Plan((Stage(0.1, 1),)), 0).stages
    assert (stage.examples, stage.classes, stage.missing, stage.kept) == (12, 3, (), 2)
    [alike] = contents.look(task, Data((x, y), (x,)), Plan((Stage(0.1, 1),)), 0).stages
    assert alike.kept == 2


def test_missing_classes_and_odd_values_are_counted(task: Any) -> None:
    x, y = np.ones((6, 2), dtype="float32"), np.array([0, 0, 1, 1, 2, 2])
    x[0, 0], x[3, 1] = np.nan, np.inf
    looked = contents.look(task, Data((x, y), (x[:4], np.array([0, 0, 5, -1]))), Plan((Stage(1.0, 1),)), 0)
    assert [one.odd for one in looked.train] == [2, 0]
    assert (looked.absent, looked.unknown, looked.negative) == ((1, 2), (-1, 5), 1)


def test_neighbours_have_the_same_class_only_where_labels_belong(task: Any) -> None:
    data = task.data()
    sound = nearest_neighbour.agreement(data)
    mixed = nearest_neighbour.agreement(Data(data.train, (data.validation[0], 1 - data.validation[1])))
    assert sound is not None
    assert mixed is not None
    assert sound.validation > 0.8
    assert mixed.validation == pytest.approx(1 - sound.validation)
    assert sound.chance == pytest.approx(0.5)


def leak(*splits: Any) -> tuple[int, int, int]:
    train, validation = (contents.Sample(split, 64) for split in splits)
    return contents.leak(train, validation)


def test_one_example_with_several_inputs_is_one_key() -> None:
    one, other = np.zeros((4, 2)), np.arange(4)[:, None]
    assert leak((one, other, other), (one, other + 1, other)) == (3, 4, 4)
    assert leak((other, one), (other + 1, one, one)) == (3, 4, 4)  # Validation has more to score by.


def test_a_schedule_that_takes_longer_than_the_plan_does_not_build(task: Any) -> None:
    fine, long = (Corner(f"warmup = {n}", {**CONFIG, "warmup": n}) for n in (0.5, 4))
    for build in (
        lambda corner: corners.build(task, task.data(), corner, PLAN, 0),
        lambda corner: corners.sketch(task, corner, PLAN, (30, 60)),
    ):
        assert build(fine).failure is None
        assert "warmup is 4 epochs of 3" in build(long).failure.message


def test_running_out_of_memory_is_a_kind_of_its_own(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def large(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80 GiB")

    monkeypatch.setattr(task, "model", large)
    tried = corners.train(task, task.data(), Corner("hidden = 1", CONFIG), "val_accuracy", 1.0, 0.0)
    assert tried.failure is not None
    assert tried.failure.kind == "memory"


def test_stages_are_as_long_as_their_examples(task: Any) -> None:
    found = stage_costs.measure(task, task.data(), CONFIG, (PLAN, Plan((Stage(1.0, 10),))), 0)
    (first, second), (long,) = found.seconds
    assert second > 2 * first  # Two epochs of twice the examples, and of the same validation, whatever either takes.
    assert long == pytest.approx(5 * second)
    assert stage_costs.scaled(2.0, (PLAN,)).seconds == ((2.0, 8.0),)


def test_a_run_without_time_left_is_not_repeated(task: Any) -> None:
    def make() -> Any:
        return corners.mini(task, task.data(), CONFIG)[0]

    hurried = repeated_runs.compare(make, make, "val_accuracy", 5, Clock(0.0))
    assert (hurried.apart, hurried.resumed) == (None, None)
    leisurely = repeated_runs.compare(make, make, "val_accuracy", 5, Clock(60.0))
    assert (leisurely.apart, leisurely.changed, leisurely.resumed) == (0.0, "", 0.0)


def test_states_differ_where_they_do() -> None:
    one = {"model": {"w": torch.ones(2)}, "steps": [1, 2], "lr": float("nan")}
    assert repeated_runs.difference(one, {"model": {"w": torch.ones(2)}, "steps": [1, 2], "lr": float("nan")}) is None
    assert (
        repeated_runs.difference(one, {"model": {"w": torch.zeros(2)}, "steps": [1, 2], "lr": float("nan")})
        == "model/w"
    )
    assert (
        repeated_runs.difference(one, {"model": {"w": torch.ones(2)}, "steps": [1, 3], "lr": float("nan")}) == "steps/1"
    )
    assert repeated_runs.difference(one, {"model": {}, "steps": [1, 2], "lr": 0.0}) == "model"


def test_the_time_bounds_what_is_tried(project: Path) -> None:
    hurried = measure.thorough(question(project, seconds=0.0))
    assert set(hurried.skipped) == {"signal", "runs", "the middle"}
    assert hurried.signal is hurried.runs is None


def test_a_batch_is_learnt_by_plain_adam_where_the_config_cannot(task: Any) -> None:
    slow = one_batch.learn(task, task.data(), {**CONFIG, "lr": 1e-9}, 60)
    assert slow.by.startswith("adam, lr")
    assert slow.after < 0.7 * slow.before


def test_a_ramp_rises_until_the_loss_does(project: Path) -> None:
    found = ramp(question(project), None)
    assert len(found.rates) == len(found.losses) == len(found.smoothed) > 50
    assert list(found.rates) == sorted(found.rates)
    assert found.smoothed[-1] > 2 * min(found.smoothed)
    with pytest.raises(TaskError, match="loop of its own"):
        ramp(question(project, "blobs:counting"), None)


def test_batches_double_up_to_the_examples(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.probe.finders.batch_size_finder.ENOUGH", 0.01)
    found = batch_sizes(question(project), None)
    assert [one.size for one in found] == [8, 16, 32][: len(found)]
    assert all(one.rate and one.rate > 0 for one in found)


def test_a_part_of_the_data_keeps_its_labels(task: Any) -> None:
    part = shortened(task.data(), 10, 5)
    assert (len(part.train[0]), len(part.validation[0]), len(part.labels)) == (10, 5, 10)
    assert np.array_equal(np.asarray(part.train[1]), part.labels)


@pytest.mark.parametrize(
    ("config", "processes", "expected"),
    [
        ({"batch_size": 64}, 4, {"batch_size": 16}),
        ({"batch_size": 65}, 4, {"batch_size": 17}),
        ({}, 4, {"batch_size": 32}),
        ({"batch_size": 4}, 4, {"batch_size": 2}),
        ({"batch_size": 1}, 4, {"batch_size": 1}),
        ({"batch_size": 48, "accumulate": 4}, 3, {"batch_size": 16, "accumulate": 4}),
        ({"batch_size": 48, "accumulate": 7}, 3, {"batch_size": 48, "accumulate": 7}),
        (
            {"batch_size": 256, "lr": 0.1, "lr_scaling": "linear", "base_batch_size": 64},
            2,
            {"batch_size": 128, "lr": 0.4, "lr_scaling": "none"},
        ),
    ],
)
def test_one_process_of_several_has_its_rows_of_a_batch(
    config: dict[str, Any], processes: int, expected: dict[str, Any]
) -> None:
    assert rows_of_one(config, processes) == expected


def test_the_peak_counts_resident_data_and_a_full_batch_of_validation(
    task: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, labels = task.data().validation
    data = Data(task.data().train, (np.tile(points, (50, 1)), np.tile(labels, 50)))
    held: list[int] = []

    class Reader:
        """Reads the bytes that are held, as `Peak` does of a GPU."""

        bytes = 0

        def __enter__(self) -> Reader:
            return self

        def __exit__(self, *_: object) -> None:
            self.bytes = sum(held)

    def resident(data: Data, on: torch.device) -> Data:
        assert on.type == "cuda"
        held.append(sum(np.asarray(array).nbytes for array in (*data.train, *data.validation)))
        return data

    def mini(task: Any, part: Data, config: Any) -> Any:
        return SimpleNamespace(run_epoch=lambda: held.append(len(part.validation[0]))), 1

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(measure, "resident", resident)
    monkeypatch.setattr(measure, "Peak", Reader)
    monkeypatch.setattr(corners, "mini", mini)
    size = 60 * (3 * 4 + 8) + 1500 * (3 * 4 + 8)
    assert measure.peak(question(project), data) == size + 1024


@pytest.mark.parametrize(
    ("every", "seconds", "reported", "failure", "skipped"),
    [
        (2, 5.0, ("epoch_seen", "score"), "", ()),
        (9, 5.0, (), "the task reports no metric score at the end of stage 0, only epoch_seen", ()),
        (9, 0.0, (), "", ("whether score is reported",)),
    ],
)
def test_a_metric_of_later_epochs_is_waited_for(
    project: Path, every: int, seconds: float, reported: tuple[str, ...], failure: str, skipped: tuple[str, ...]
) -> None:
    plan = Plan((Stage(0.5, 4), Stage(1.0, 5)))
    given = Assignment({"every": every}, 0, 0, "score", plan, "blobs:seldom", str(project), Path())
    seen = measure.thorough(Question(given, (plan,), (), seconds=seconds))
    assert (seen.failure.message if seen.failure else "").startswith(failure)
    assert tuple(seen.runs.metrics if seen.runs else ()) == reported
    assert seen.skipped == skipped
