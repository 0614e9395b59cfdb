"""Whether the values of a sweep's parameters reach training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from tests.projects.toy import Blobs
from trainables.loop.assignment import Assignment
from trainables.probe import measure
from trainables.probe.clock import Clock
from trainables.probe.evidence import Corner, Question, Reach, Swept
from trainables.probe.reach import asked_of_class, reached, trained
from trainables.stages import Plan, Stage

PLAN = Plan((Stage(1.0, 1),))


class Deaf(Blobs):
    """Reads ``hidden`` alone, and of it only whether it is small."""

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        hidden = min(config.get("hidden", 8), 16)
        return nn.Sequential(nn.Linear(Blobs().data().train[0].shape[1], hidden), nn.Linear(hidden, 4))


def swept(name: str, *values: Any) -> Swept:
    return Swept(name, tuple(Corner(str(value), {name: value}) for value in values))


def found(*parameters: Swept) -> tuple[Reach, ...]:
    task = Deaf()
    data = task.data()
    return reached(parameters, lambda config: trained(task, data, config), Clock(60))[0]


def test_values_that_train_alike_are_named() -> None:
    heard, unheard, some = found(swept("hidden", 4, 8), swept("depth", 1, 2, 3), swept("hidden", 8, 32, 64))
    assert heard == Reach("hidden", (), 2, "4 steps")
    assert unheard == Reach("depth", (("1", "2", "3"),), 3, "4 steps")
    assert some.alike == (("32", "64"),)


def test_a_value_that_fails_says_nothing() -> None:
    assert found(swept("hidden", 0.5, 8)) == ()


def test_what_the_loop_reads_itself_is_not_asked_of_the_task() -> None:
    asked = [swept(name, 0, 1) for name in ("lr", "patience", "clip_norm", "dropout", "label_smoothing", "net/width")]
    assert [one.name for one in asked_of_class(asked)] == ["dropout", "label_smoothing", "net/width"]


def test_there_is_no_time_for_runs_that_take_longer() -> None:
    assert reached([swept("a", 1, 2)], lambda config: (1.0,), Clock(5), ("an epoch", 3.0)) == ((), ("a",))


FUNCTION = """
import random

def train(config, stage):
    lr = 0.1  # config["lr"]
    for epoch in stage:
        stage.report({"loss": random.random() * lr + config["shift"], "spent": random.SystemRandom().random()})
"""


def test_a_loop_of_ones_own_that_does_not_read_a_parameter_is_told(tmp_path: Path) -> None:
    (tmp_path / "deaf_loop.py").write_text(FUNCTION)
    middle = {"lr": 0.5, "shift": 1.0}
    given = Assignment(middle, 0, 0, "loss", PLAN, "deaf_loop:train", str(tmp_path), tmp_path)
    parameters = tuple(
        Swept(name, tuple(Corner(str(value), {**middle, name: value}) for value in (0.0, 0.5, 1.0))) for name in middle
    )
    question = Question(given, (PLAN,), (Corner("the middle", middle),), swept=parameters)
    assert measure.thorough(question).reach == (
        Reach("lr", (("0.0", "1.0"),), 2, "an epoch"),
        Reach("shift", (), 2, "an epoch"),
    )


@pytest.mark.parametrize("level", ["quick", "thorough"])
def test_a_class_that_does_not_read_a_parameter_is_told_by_the_whole_check_alone(level: str, tmp_path: Path) -> None:
    (tmp_path / "deaf_task.py").write_text("from tests.unit.trainables.probe.test_reach import Deaf as Task")
    given = Assignment({"depth": 1}, 0, 0, "val_loss", PLAN, "deaf_task:Task", str(tmp_path), tmp_path)
    question = Question(given, (PLAN,), (Corner("the middle", {"depth": 1}),), swept=(swept("depth", 1, 2),))
    expected = (Reach("depth", (("1", "2"),), 2, "4 steps"),) if level == "thorough" else ()
    assert getattr(measure, level)(question).reach == expected


def test_every_config_trains_on_the_same_batches() -> None:
    task, seen = Deaf(), list[int]()
    data = task.data()

    def noted(*given: Any) -> Any:
        seen.append(len(given[1][-1]))
        return Blobs.loss(task, *given)

    task.loss = noted  # type: ignore[method-assign]
    assert trained(task, data, {"batch_size": 4}) == trained(task, data, {"batch_size": 128, "accumulate": 2})
    assert seen == [16] * 8
