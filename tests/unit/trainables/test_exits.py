"""A task that ends Python ends no worker: it is told, once, with the place and the cure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from trainables.errors import TaskError
from trainables.loop.assignment import Assignment
from trainables.probe import measure
from trainables.probe.evidence import Corner, Question
from trainables.stages import Plan, Stage
from trainables.worker.resolve import resolve
from trainables.worker.staged import StagedTrainable

PLAN = Plan((Stage(1.0, 2),))
TASK = """
import argparse
import sys

from tests.projects.toy import Blobs


class {name}(Blobs):
    def {method}(self, *args):
        {how}


def train(config, stage):
    for _ in stage:
        stage.report({{"val_loss": 1.0}})
        {how}
"""
PARSES = "parser = argparse.ArgumentParser(); parser.add_argument('lr'); parser.parse_args()"
METHODS = ["__init__", "data", "model", "loss", "metrics", "summary"]


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    method, how = request.param
    name = f"ends{abs(hash((method, how)))}"
    (tmp_path / f"{name}.py").write_text(TASK.format(name="Ends", method=method, how=how))
    return f"{tmp_path}:{name}"


def failure(assign: Any, tmp_path: Path, project: str, name: str) -> dict[str, Any]:
    folder, _, module = project.rpartition(":")
    given = assign(task=f"{module}:{name}", project=folder, plan=PLAN, metric="val_loss", folder=tmp_path / "trial")
    worker = StagedTrainable(given)
    try:
        result = worker.step()
        while not result["done"]:
            result = worker.step()
    finally:
        worker.stop()
    found: dict[str, Any] = result["sieve"]["failure"]
    return found


@pytest.fixture(autouse=True)
def _ray_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.tune.trainable.trainable.DEFAULT_STORAGE_PATH", str(tmp_path / "ray"))


@pytest.mark.parametrize("project", [(method, "sys.exit('enough')") for method in METHODS], indirect=True)
def test_a_class_that_exits(assign: Any, tmp_path: Path, project: str) -> None:
    found = failure(assign, tmp_path, project, "Ends")
    assert found["kind"] == "task"
    assert "ends Python (ends" in found["message"]
    assert found["message"].endswith("by SystemExit('enough'); raise an error that says why instead, or return")


@pytest.mark.parametrize("project", [("loss", "sys.exit()"), ("loss", PARSES)], indirect=True)
def test_a_function_that_exits(assign: Any, tmp_path: Path, project: str) -> None:
    found = failure(assign, tmp_path, project, "train")
    assert found["kind"] == "task"
    assert found["message"].startswith(("the training function ends Python (", "the training function reads the comm"))


@pytest.mark.parametrize("project", [(method, "sys.exit(2)") for method in ("loss", "metrics")], indirect=True)
def test_the_check(assign: Any, project: str) -> None:
    folder, _, module = project.rpartition(":")
    given = Assignment({"lr": 0.1}, 0, 0, "val_loss", PLAN, f"{module}:Ends", folder, Path())
    question = Question(given, (PLAN,), (Corner("the middle", {"lr": 0.1}),), seconds=0.1)
    first = measure.thorough(question).first
    assert first is not None
    assert first.error is not None
    assert "ends Python (ends" in first.error


def test_a_module_that_parses_arguments_finds_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["sieve", "run", "sweep.yaml"])
    source = "import argparse\nparser = argparse.ArgumentParser()\n{}ARGS = parser.parse_args()\n\ndef f(c, s): pass\n"
    (tmp_path / "parses.py").write_text(source.format("parser.add_argument('--lr', default=0.1)\n"))
    resolve("parses:f", str(tmp_path))
    assert sys.modules["parses"].ARGS.lr == 0.1
    (tmp_path / "demands.py").write_text(source.format("parser.add_argument('file')\n"))
    with pytest.raises(
        TaskError, match=r"task module demands reads the command line \(demands.py:4\), which has no arg"
    ):
        resolve("demands:f", str(tmp_path))
    (tmp_path / "leaves.py").write_text("raise SystemExit\n")
    with pytest.raises(TaskError, match=r"task module leaves ends Python \(leaves.py:1\), by SystemExit\(\)"):
        resolve("leaves:f", str(tmp_path))
    assert sys.argv == ["sieve", "run", "sweep.yaml"]
