"""A task is looked at, and not imported, where what trains it is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.interface.remote.static_task import glance
from service.spec import load
from service.spec.errors import SpecError
from tests.unit.interface.conftest import SPEC

CODE = (
    "import nowhere\nfrom elsewhere import Thing as Imported\n\nraise RuntimeError\n\ndef train(config, stage): ...\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "slow.py").write_text(CODE)
    (tmp_path / "odd.py").write_text("from slow import *\n")
    (tmp_path / "broken.py").write_text("def train(:\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "__init__.py").write_text("Task = object\n")
    return tmp_path


@pytest.mark.parametrize(
    ("task", "notes"),
    [
        ("slow:train", []),
        ("slow:Imported", []),
        ("inner:Task", []),
        ("odd:whatever", []),
        ("trainables.tasks.digits:Digits", []),
        ("slov:train", ["the task's module slov is not in", "(did you mean 'slow'?)"]),
        ("broken:train", ["the task's file cannot be read", "broken.py, line 1"]),
    ],
)
def test_what_may_be_right_is_let_through_with_what_is_strange(project: Path, task: str, notes: list[str]) -> None:
    found = list(glance(load(SPEC | {"task": task}), project, None))
    assert len(found) == bool(notes)
    assert all(note in found[0] for note in notes)


def test_a_name_that_is_not_there_is_refused_at_its_line(project: Path) -> None:
    spec = load(SPEC | {"task": "slow:trian"})
    (project / "sweep.yaml").write_text(spec.to_yaml())
    with pytest.raises(
        SpecError, match=r"slow has no trian \(did you mean 'train'\?\); define it in slow.py"
    ) as refused:
        list(glance(spec, project, project / "sweep.yaml"))
    assert "sweep.yaml:2: task: slow:trian: " in str(refused.value)
