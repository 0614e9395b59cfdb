"""Which data directory a task sees: that of its sweep, in the head's check as in every worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainables.data import length
from trainables.datasets.downloads import VARIABLE
from trainables.errors import TaskError
from trainables.loop.assignment import Assignment
from trainables.task import Task
from trainables.worker.loading import describe_task, load

STAGES = [{"data": 1.0, "epochs": 1}]

SOURCE = '''
import numpy as np
from torch import nn

from trainables.data import Data
from trainables.task import Task


class Filed(Task):
    """As many examples as the file of its data directory says."""

    def data(self):
        size = int((self.data_dir / "size.txt").read_text())
        examples = (np.zeros((size, 2), dtype=np.float32), np.arange(size) % 2)
        return Data(examples, examples)

    def model(self, config):
        return nn.Linear(2, 2)
'''


@pytest.fixture
def filed(tmp_path: Path) -> Path:
    """A project with a task that reads its data directory, and the directories ``few`` and ``many``."""
    (tmp_path / "filed.py").write_text(SOURCE)
    for name, size in (("few", 4), ("many", 40)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "size.txt").write_text(str(size))
    return tmp_path


def test_the_head_describes_the_data_of_the_sweeps_directory(filed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def examples(data_dir: str | None) -> int:
        return describe_task("filed:Filed", str(filed), STAGES, 0, (), data_dir)[0]["train"]

    monkeypatch.setenv(VARIABLE, str(filed / "many"))
    assert (examples("few"), examples(str(filed / "few")), examples(None)) == (4, 4, 40)
    with pytest.raises(TaskError, match=r"none/size\.txt"):
        examples("none")


def test_a_worker_that_loads_for_itself_sees_the_directory_of_each_trial(
    filed: Path, assign: Callable[..., dict[str, Any]]
) -> None:
    seen = []
    for data_dir in ("few", "many", "few"):
        given = Assignment.from_dict(assign(task="filed:Filed", project=str(filed), data_dir=data_dir))
        task, data = load(given, [])
        assert isinstance(task, Task)
        assert data is not None
        seen.append((task.data_dir, length(data.train)))
        assert load(given, [])[1] is data
    assert seen == [(filed / "few", 4), (filed / "many", 40), (filed / "few", 4)]


def test_the_data_directory_does_not_decide_whose_checkpoint_it_is(assign: Callable[..., dict[str, Any]]) -> None:
    here, there = (Assignment.from_dict(assign(data_dir=folder)) for folder in ("here", "there"))
    assert here.identity == there.identity
    assert Assignment.from_dict(here.to_dict()) == here
