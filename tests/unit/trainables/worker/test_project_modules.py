"""Code of the task's folder is loaded afresh where it changed, and never mixed with that of another folder."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trainables.worker import project_modules
from trainables.worker.loading import refresh
from trainables.worker.resolve import resolve

TASK = "import own_helper\n\ndef train(config, stage):\n    return own_helper.answer()\n"


def helper(answer: int) -> str:
    return f"def answer():\n    return {answer}\n"


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Writes a project with a task and the helper that it imports; modules and paths are as before afterwards."""
    path, modules = list(sys.path), set(sys.modules)

    def written(name: str, answer: int) -> str:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "own_train.py").write_text(TASK)
        (folder / "own_helper.py").write_text(helper(answer))
        return str(folder)

    yield written
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def answer(project: str) -> int:
    return resolve("own_train:train", project)({}, None)  # type: ignore[operator, arg-type, return-value]


def test_a_mended_helper_is_seen_though_the_task_did_not_change(write: Callable[..., str]):
    project = write("project", 1)
    assert answer(project) == 1
    write("project", 2)
    refresh(project)
    assert answer(project) == 2


def test_an_edit_of_equal_length_within_one_second_is_seen(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # what Python compiled is told apart by whole seconds
    project = write("project", 1)
    file = Path(project, "own_helper.py")
    os.utime(file, ns=(10**18, 10**18))
    assert answer(project) == 1
    write("project", 2)
    os.utime(file, ns=(10**18 + 1000, 10**18 + 1000))
    refresh(project)
    assert answer(project) == 2


def test_within_a_sweep_code_stays_as_it_was(write: Callable[..., str]):
    project = write("project", 1)
    assert answer(project) == 1
    write("project", 2)
    assert answer(project) == 1, "trials of one sweep train the same code"


def test_nothing_is_loaded_again_without_need(write: Callable[..., str]):
    project = write("project", 1)
    first = resolve("own_train:train", project)
    refresh(project)
    assert resolve("own_train:train", project) is first


def test_what_a_notebook_imported_and_then_mended_is_seen(write: Callable[..., str]):
    project = write("project", 1)
    sys.path.insert(0, project)
    importlib.invalidate_caches()
    assert importlib.import_module("own_helper").answer() == 1
    write("project", 2)
    refresh(project)
    assert answer(project) == 2


def test_two_projects_have_a_helper_of_one_name_each(write: Callable[..., str]):
    first, second = write("first", 1), write("second", 2)
    assert [answer(first), answer(second), answer(first)] == [1, 2, 1]


def test_installed_packages_and_sieves_own_are_never_forgotten(write: Callable[..., str]):
    project = write("project", 1)
    assert answer(project) == 1
    installed = Path(project, "venv", "site-packages")
    installed.mkdir(parents=True)
    (installed / "own_installed.py").write_text("value = 1\n")
    sys.path.insert(1, str(installed))
    importlib.invalidate_caches()
    kept = importlib.import_module("own_installed")
    write("project", 2)
    refresh(project)
    assert answer(project) == 2
    assert sys.modules["own_installed"] is kept
    assert sys.modules["trainables.worker.project_modules"] is project_modules


def test_a_helper_that_is_gone_is_missed_rather_than_remembered(write: Callable[..., str]):
    project = write("project", 1)
    assert answer(project) == 1
    Path(project, "own_helper.py").unlink()
    refresh(project)
    with pytest.raises(Exception, match="own_helper"):
        answer(project)
