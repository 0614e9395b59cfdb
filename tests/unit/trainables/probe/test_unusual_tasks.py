"""Probes on sound tasks of unusual kinds, and on tasks whose own code raises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data import Data
from trainables.errors import told
from trainables.loop.assignment import Assignment
from trainables.probe import measure
from trainables.probe.evidence import Corner, Question
from trainables.probe.examples import contents, nearest_neighbour
from trainables.probe.examples.sample import chosen
from trainables.probe.learning import first_steps, one_batch
from trainables.stages import Plan, Stage
from trainables.worker.loading import load_data
from trainables.worker.resolve import resolve

PROJECT = str(Path(__file__).parents[3] / "projects")
PLAN = Plan((Stage(1.0, 1),))
CPU = torch.device("cpu")


def task_of(name: str) -> tuple[Any, Data]:
    task: Any = resolve(f"honest:{name}", PROJECT)
    return task, task.data()


def question(name: str) -> Question:
    given = Assignment({"lr": 0.05}, 0, 0, "val_accuracy", PLAN, f"honest:{name}", PROJECT, Path())
    return Question(given, (PLAN,), (Corner("the middle", {"lr": 0.05}),), seconds=30)


def vectors(size: int) -> tuple[Any, Any]:
    draws = np.random.default_rng(0)
    return draws.normal(size=(size, 40)).astype("float32"), draws.integers(0, 2, size)


def test_an_example_given_twice_is_no_neighbour_of_itself() -> None:
    points, labels = vectors(800)
    found = nearest_neighbour.agreement(
        Data((np.repeat(points[:400], 2, axis=0), np.repeat(labels[:400], 2)), (points[400:], labels[400:]))
    )
    assert found is not None
    assert found.train == pytest.approx(0.5, abs=0.1)
    assert found.within == 400


def test_an_example_given_again_a_little_changed_is_much_nearer_than_validation() -> None:
    points, labels = vectors(800)
    train = (np.concatenate([points[:400], points[:400] + 0.01]), np.concatenate([labels[:400]] * 2))
    found = nearest_neighbour.agreement(Data(train, (points[400:], labels[400:])))
    assert found is not None
    assert found.train > 0.9
    assert found.farther > 10


def test_a_few_examples_have_some_of_each_class_and_are_among_more() -> None:
    labels = np.zeros(10_000, dtype=np.int64)
    labels[[17, 4000, 9000]] = 1
    few, more = (set(chosen(len(labels), most, labels).tolist()) for most in (8, 256))
    assert len(few) == 8
    assert few < more
    assert {17, 4000, 9000} & few
    assert set(chosen(10_000, 8).tolist()) < set(chosen(10_000, 256).tolist())


@pytest.mark.parametrize(("name", "enough"), [("Rare", 8), ("RareUnlabelled", 400)])
def test_a_metric_of_rare_examples_is_tried_on_enough(name: str, enough: int) -> None:
    task, data = task_of(name)
    found = first_steps.first(task, data, {}, CPU)
    assert (found.error, found.enough) == (None, enough)
    assert set(found.untrained) == {"val_recall"}


def test_a_metric_that_always_fails_is_told_from_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    task, data = task_of("Rare")
    monkeypatch.setattr(task, "summary", lambda means, examples: {"recall": means["lost"]})
    found = first_steps.first(task, data, {}, CPU)
    assert found.loss is not None
    assert found.reported == ()
    assert found.error is not None
    assert found.error.startswith("KeyError: 'lost' (")


def test_a_loss_below_zero_is_learnt_and_its_parameters_move() -> None:
    task, data = task_of("Dice")
    found = one_batch.learn(task, data, {"lr": 0.05}, 30)
    assert found.before < 0
    assert found.after < found.before - 0.2
    assert found.steps > 20
    assert (found.unchanged, found.silent) == ((), ())


def test_a_lazy_model_gets_its_shapes_first() -> None:
    task, data = task_of("Lazy")
    found = one_batch.learn(task, data, {"lr": 0.05}, 30)
    assert found.after < 0.5 * found.before


def test_an_optimizer_of_ours_that_does_not_go_with_a_model_ends_nothing() -> None:
    task, data = task_of("Sparse")
    found = one_batch.learn(task, data, {"optimizer": "sgd", "lr": 1e-6}, 30)
    assert found.by.startswith("sgd")


def test_labels_that_the_loss_ignores_are_no_class() -> None:
    task, data = task_of("Ignoring")
    looked = contents.look(task, data, PLAN, 0)
    assert (looked.classes, looked.negative, looked.ignored, looked.absent) == (4, 0, 120, ())
    assert first_steps.first(task, data, {}, CPU).classes == 4


@pytest.mark.parametrize(("name", "expected"), [("Augmented", "same"), ("Restless", "redrawn")])
def test_what_examples_draw_is_not_blamed_on_the_data(name: str, expected: str) -> None:
    (_, one), (task, _) = task_of(name), task_of(name)
    assert contents.repeats(one, load_data(task, name)) == expected


def test_an_example_that_cannot_be_read_is_named_with_its_line() -> None:
    for probe in (measure.quick, measure.thorough):
        failure = probe(question("Unreadable")).failure
        assert failure is not None
        assert failure.where == "data"
        assert failure.message.startswith("FileNotFoundError: no file for example 0 (honest.py:")


def test_a_model_that_raises_is_named_with_its_line() -> None:
    first = measure.quick(question("Keyless")).first
    assert first is not None
    assert first.error is not None
    assert first.error.startswith("KeyError: 'width' (honest.py:")


def test_a_model_that_ends_python_ends_no_check() -> None:
    first = measure.quick(question("Exiting")).first
    assert first is not None
    assert first.error is not None
    assert first.error.startswith("model(config) ends Python (honest.py:")


def test_examples_that_are_dictionaries_are_taken_by_name() -> None:
    for probe in (measure.quick, measure.thorough):
        found = probe(question("Named"))
        assert found.failure is None
        assert found.first is not None
        assert (found.first.error, found.first.reported[1:]) == (None, ("val_loss", "val_accuracy"))
    assert found.signal is not None


def test_data_that_cannot_be_taken_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("no such byte order")

    monkeypatch.setattr(Data, "unpacked", broken)
    failure = measure.thorough(question("Dice")).failure
    assert failure is not None
    assert (failure.where, failure.message.partition(" (")[0]) == ("data", "ValueError: no such byte order")


def test_what_a_process_of_the_loader_raises_is_told_in_a_line(tmp_path: Path) -> None:
    trace = f'File "{torch.__file__}", line 3, in fetch\n  File "{tmp_path}/mine.py", line 7, in __getitem__'
    words = f"Caught KeyError in DataLoader worker process 0.\nOriginal Traceback:\n  {trace}\nKeyError: 'x'\n"
    assert told(RuntimeError(words)) == f"KeyError: 'x' ({tmp_path}/mine.py:7)"
