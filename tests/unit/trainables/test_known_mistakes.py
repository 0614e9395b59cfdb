"""Mistakes that Python and torch tell in words of their own: each is a task's, told with its cure, and not retried."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.adapters.function import FunctionRun
from trainables.data import Data
from trainables.errors import TaskError
from trainables.exits import caught
from trainables.loop.training import Training
from trainables.probe.learning import first_steps
from trainables.stages import Plan, Stage
from trainables.task import Task
from trainables.worker.loading import load_data

PLAN = Plan((Stage(1.0, 1),))
DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(60, 4)).astype("float32")
COUNTS = DRAWS.poisson(5, 60)


def handles(config: Any, stage: Any) -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)


def loops(config: Any, stage: Any) -> None:
    asyncio.get_event_loop()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            handles,
            r"the training function: ValueError: signal only works in main thread .*test_known_mistakes.py:\d+\)",
        ),
        (loops, r"the training function: RuntimeError: There is no current event loop in thread .*; use asyncio.run"),
    ],
)
def test_what_works_in_the_main_thread_alone_is_named(function: Any, message: str) -> None:
    run = FunctionRun(function, {}, PLAN, seed=0)
    with pytest.raises(TaskError, match=message):
        run.run_epoch()


def keyword(config: Any, stage: Any) -> None:
    stage.report(loss=0.1)


def attribute(config: Any, stage: Any) -> None:
    stage.report({"loss": config.lr})


def unsaved(config: Any, stage: Any) -> None:
    stage.report({"loss": 0.1}, checkpoint={"rate": lambda step: step})


def of_ray_train(config: Any, stage: Any) -> None:
    from ray import train

    train.report({"loss": 0.1})


def counted(config: Any, stage: Any) -> None:
    range(len(stage))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (keyword, r"unexpected keyword argument 'loss' \(.*\); write stage.report\(\{'loss': loss.item\(\)\}\)"),
        (attribute, r"'dict' object has no attribute 'lr' \(.*\); read a dict by its keys: config\['name'\]"),
        (unsaved, r"the checkpoint given to report\(\) cannot be saved: .*lambda.*; give plain data, tensors"),
        (of_ray_train, r"outside of a Ray Train training function.*; call stage.report"),
        (counted, r"has no len\(\) \(.*\); its number of epochs is stage.epochs"),
    ],
)
def test_habits_of_other_libraries_are_told_what_to_write(function: Any, message: str) -> None:
    run = FunctionRun(function, {"lr": 0.1}, PLAN, seed=0)
    with pytest.raises(TaskError, match=message):
        run.run_epoch()


def test_asynchronous_code_runs() -> None:
    async def one() -> float:
        return 1.0

    def awaits(config: Any, stage: Any) -> None:
        for _ in stage:
            stage.report({"loss": asyncio.run(one())})

    assert FunctionRun(awaits, {}, PLAN, seed=0).run_epoch() == {"loss": 1.0}


class Flat(Task):
    """Examples of a kind, and the default loss unless it says otherwise."""

    x: Any = X
    y: Any = COUNTS
    outputs = 3

    def data(self) -> Data:
        return Data((self.x, self.y), (self.x, self.y))

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return nn.Linear(4, self.outputs)


class Squared(Flat):
    outputs = 1

    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        x, y = batch
        return functional.mse_loss(model(x)[:, 0], y)

    def metrics(self, model: nn.Module, batch: Any, config: Any) -> Any:
        return {"loss": self.loss(model, batch, config)}


class Huber(Squared):
    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        return functional.huber_loss(model(batch[0])[:, 0], batch[1])


class Binary(Squared):
    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        return functional.binary_cross_entropy_with_logits(model(batch[0])[:, 0], batch[1] % 2)


class Unflattened(Flat):
    x = DRAWS.normal(size=(60, 2, 3)).astype("float32")


class Images(Flat):
    """Pixels as bytes."""

    x = DRAWS.integers(0, 255, (60, 3, 8, 8)).astype("uint8")
    y = COUNTS % 3

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 3, 8), nn.Flatten())


class Words(Flat):
    x = DRAWS.integers(1, 21, (60, 4))
    y = COUNTS % 3

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return nn.Sequential(nn.Embedding(20, 2), nn.Flatten(), nn.Linear(8, 3))


class Detached(Flat):
    y = COUNTS % 3

    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        return super().loss(model, batch, config).detach()


class Imaginary(Flat):
    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        return model(batch[0]).mean() * 1j


class Attribute(Flat):
    def model(self, config: Any) -> nn.Module:
        return nn.Linear(4, config.hidden)


class Columns(Flat):
    """The model gives a tuple."""

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return nn.LSTM(4, 3)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (
            type("Doubles", (Flat,), {"x": X.astype("float64"), "y": COUNTS % 3}),
            "same dtype, .*; give inputs, .* float32",
        ),
        (Images, r"Input type .*; give inputs, .* as float32"),
        (Binary, r"result type Float can't be cast to the .* Long.*; give inputs, and targets .* as float32"),
        (Huber, r"the gradient of loss\(\): RuntimeError: Found dtype Long but expected Float; give .* as float32"),
        (
            Flat,
            r"Target \d+ is out of bounds; number the classes from 0 .* such as counts, .*Data\(\.\.\., labels=None\)",
        ),
        (Unflattened, r"mat1 and mat2 shapes cannot be multiplied \(.*\); give the layer as many inputs"),
        (Words, "index out of range in self; give nn.Embedding as many numbers"),
        (Detached, r"gradient of loss\(\): .*element 0 of tensors does not require grad.*; compute the loss from"),
        (Imaginary, r"loss\(\) returned a complex tensor; return a scalar"),
        (Attribute, r"model\(config\): AttributeError: 'dict' object has no attribute 'hidden' \(.*; read a dict by"),
        (type("OneHot", (Flat,), {"y": np.eye(3, dtype="int64")[COUNTS % 3]}), r"shape of the scores, \(60, 3\); give"),
        (Columns, "the model returns a tuple; return the scores alone, or define loss"),
        (type("Floats", (Flat,), {"y": X[:, 0]}), r"the targets are float32, where cross entropy takes classes; give"),
    ],
)
def test_mistakes_of_shapes_and_dtypes_are_told_with_their_cure(task: type[Task], message: str) -> None:
    one = task()
    with pytest.raises(TaskError, match=message):
        Training(one, one.data(), {}, PLAN, 0).run_epoch()
    told = first_steps.first(one, one.data(), {}, torch.device("cpu")).error
    assert told is not None or task in (Huber, Detached)  # Whose gradient the next probe computes.


class Alone(Flat):
    def data(self) -> Data:
        return Data((self.x, self.y))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (
            type("Held", (Flat,), {"data": Data((X, COUNTS), (X, COUNTS))}),
            r"data\(\): .*; write a method, def data",
        ),
        (Alone, r"data\(\): .*'validation' \(.*\); give examples to validate on, too"),
    ],
)
def test_data_of_another_form_are_told(task: type[Task], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load_data(task(), "flat:Flat")


@pytest.mark.parametrize("y", [COUNTS % 2 == 1, (COUNTS % 3)[:, None], (COUNTS % 3).astype("uint8"), COUNTS % 3])
def test_classes_may_be_booleans_small_integers_or_a_column(y: Any) -> None:
    task: Any = type("Typed", (Flat,), {"y": y})()
    assert task.data().labels.tolist() == np.ravel(y).astype(int).tolist()
    assert Training(task, task.data(), {}, PLAN, 0).run_epoch()["val_loss"] < 3


def test_targets_may_be_probabilities_of_the_classes() -> None:
    one_hot: Any = type("OneHot", (Flat,), {"y": np.eye(3, dtype="float32")[COUNTS % 3]})()
    numbered: Any = type("Numbered", (Flat,), {"y": COUNTS % 3})()
    model, rows = nn.Linear(4, 3).requires_grad_(False), torch.from_numpy(X)
    found, expected = (
        {
            name: float(value.detach())
            for name, value in task.metrics(model, (rows, torch.from_numpy(task.y)), {}).items()
        }
        for task in (one_hot, numbered)
    )
    assert found == pytest.approx(expected)


def test_counts_are_numbers_where_the_data_say_so() -> None:
    class Poisson(Squared):
        def data(self) -> Data:
            return Data((X, COUNTS), (X, COUNTS), labels=None)

        def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
            x, y = batch
            return functional.poisson_nll_loss(model(x)[:, 0], y.float())

    data = Poisson().data()
    assert (data.labels, data.validation_labels) == (None, None)
    assert (data.packed().labels, data.unpacked().labels) == (None, None)
    assert len(data.training_indices(Stage(0.1, 1), 0)) == 6
    assert Training(Poisson(), data, {}, PLAN, 0).run_epoch()["val_loss"] < 10
    variance = first_steps.first(Poisson(), data, {}, torch.device("cpu")).variance
    assert variance == pytest.approx(COUNTS.var())


def test_a_loss_that_compares_each_prediction_with_all_targets_is_told() -> None:
    class Spread(Squared):
        y = X[:, 0]

        def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
            return functional.mse_loss(model(batch[0]), batch[1])

    class Shaped(Squared):
        y = X[:, 0]

    found = [first_steps.first(one(), one().data(), {}, torch.device("cpu")).spread for one in (Spread, Shaped)]
    assert found[0] is not None
    assert found[0].startswith("Using a target size (torch.Size([60])) that is different to the input size")
    assert found[1] is None


def test_other_errors_are_left_as_they_are() -> None:
    for error in (ValueError("no such column"), TaskError("mine", "cured")):
        with pytest.raises(type(error)) as raised, caught("loss()"):
            raise error
        assert raised.value is error
