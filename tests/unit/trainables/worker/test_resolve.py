"""Finding a task: each way it can fail has its own message and cure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trainables.errors import TaskError
from trainables.worker.resolve import resolve


def test_a_class_is_made_and_a_function_returned(project: Path):
    assert type(resolve("blobs:Blobs", str(project))).__name__ == "Blobs"
    assert resolve("blobs:counting", str(project)).__name__ == "counting"  # type: ignore[union-attr]
    assert sys.path[0] == str(project.resolve())


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("blobs", "task is 'blobs'; write it as module:Class"),
        ("blobs:", "write it as module:Class"),
        ("blob:Blobs", r"module blob is not found from .* \(did you mean 'blobs'\?\); run from the folder"),
        ("blobs.inner:Blobs", "fails on import|is not found"),
        ("blobs:Blob", r"blobs has no Blob \(did you mean 'Blobs'\?\); define it in blobs.py"),
        ("blobs:NotATask", "is a class NotATask; name a subclass of trainables.task.Task or a function"),
        ("blobs:__doc__", "name a subclass of trainables.task.Task or a function"),
        ("blobs:Unfinished", "does not define model; add the method"),
        ("blobs:Demanding", "its constructor must work without arguments"),
        ("blobs:one_argument", r"takes \(config\); write def one_argument\(config, stage\)"),
    ],
)
def test_what_is_no_task_is_refused_with_the_cure(project: Path, reference: str, message: str):
    with pytest.raises(TaskError, match=message):
        resolve(reference, str(project))


def test_a_module_that_fails_on_import_says_how(tmp_path: Path):
    (tmp_path / "needy.py").write_text("import a_package_nobody_has\n")
    (tmp_path / "typo.py").write_text("def broken(:\n")
    with pytest.raises(TaskError, match="needy imports a_package_nobody_has, which is not installed; install it"):
        resolve("needy:Task", str(tmp_path))
    with pytest.raises(TaskError, match=r"typo fails on import: SyntaxError: .*line 1.*; `python -c 'import typo'`"):
        resolve("typo:Task", str(tmp_path))


def test_two_projects_may_use_one_module_name(tmp_path: Path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same_name.py").write_text(f"def {name}(config, stage): ...\n")
    for name in ("first", "second", "first"):
        assert resolve(f"same_name:{name}", str(tmp_path / name)).__name__ == name  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["service/__init__.py", "cluster.py", "trainables/own.py"])
def test_a_project_with_a_package_of_our_name_is_refused(tmp_path: Path, path: str):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text("")
    with pytest.raises(TaskError, match="which is also a part of Sieve; rename yours, or run from another folder"):
        resolve("mine:Task", str(tmp_path))


def test_a_mere_folder_of_our_name_is_not_in_the_way(tmp_path: Path):
    (tmp_path / "cluster").mkdir()
    (tmp_path / "plain_task.py").write_text("def train(config, stage): ...\n")
    assert resolve("plain_task:train", str(tmp_path)).__name__ == "train"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("async def train(config, stage): pass", r"odd\d:train is an async function; call asyncio.run"),
        ("def train(config, stage): yield 1", r"odd\d:train is a generator; call stage.report\(\{...\}\) in place of"),
        ("def train(stage, config): pass", r"odd\d:train takes \(stage, config\); write def train\(config, stage\)"),
    ],
)
def test_a_function_that_would_not_train_when_called_is_refused(tmp_path: Path, source: str, message: str) -> None:
    name = f"odd{len(source) % 10}"
    (tmp_path / f"{name}.py").write_text(source)
    with pytest.raises(TaskError, match=message):
        resolve(f"{name}:train", str(tmp_path))
