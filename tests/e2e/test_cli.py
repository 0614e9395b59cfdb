"""One sweep through the command line, and the mistakes people make."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.e2e.conftest import Project
from tests.stack import SIEVE

Toy = Callable[..., dict[str, Any]]


def test_a_sweep_from_file_to_results(project: Project, toy: Toy) -> None:
    project.write("sweep.yaml", toy(resources={}))
    out = project.sieve("run", "sweep.yaml")
    assert "toy SUCCEEDED" in out
    assert "full-data epochs" in out
    page = Path(next(line for line in out.splitlines() if line.startswith("report:")).removeprefix("report: "))
    assert "toy" in page.read_text()

    trials, history = project.rows("trials", "toy"), project.rows("history", "toy")
    assert [row["trial"] for row in trials] == list(range(1, 9))
    [best] = project.rows("best", "toy", "-n", "1")
    finished = [row for row in trials if row["state"] == "FINISHED"]
    assert best["score"] == max(row["score"] for row in finished)
    assert project.rows("ls")[0]["state"] == "SUCCEEDED"
    assert json.loads(project.sieve("status", "toy", "-o", "json"))["counts"]["FINISHED"] == len(finished)

    project.sieve("export", "toy", "--format", "parquet")
    assert len(pd.read_parquet(project.folder / "toy.parquet")) == 8
    project.sieve("export", "toy", "--format", "csv", "--what", "history", "-o", "h.csv")
    assert len(pd.read_csv(project.folder / "h.csv")) == len(history)
    shown = subprocess.run(
        [sys.executable, "-c", "import service; print(service.results().trials('toy'))"],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "[8 rows x" in shown.stdout

    assert "left alone" not in project.sieve("run", "sweep.yaml")
    assert len(project.rows("history", "toy")) == len(history)
    project.write("sweep.yaml", toy(search={"algorithm": "random", "trials": 10, "seed": 1}, resources={}))
    elsewhere = Project(project.folder / "elsewhere")
    elsewhere.folder.mkdir()
    elsewhere.sieve("run", "../sweep.yaml")
    assert [row["trial"] for row in project.rows("trials", "toy")] == list(range(1, 11))
    project.sieve("rm", "toy", "--yes")
    assert project.rows("ls") == []
    assert not (project.folder / ".sieve" / "checkpoints" / "toy").exists()


def test_a_dry_run_leaves_nothing(project: Project, toy: Toy) -> None:
    project.write("sweep.yaml", toy())
    out = project.sieve("run", "sweep.yaml", "--dry-run")
    assert "expected budget" in out
    assert "stage 1" in out
    assert not (project.folder / ".sieve").exists()


BROKEN = """\
name: toy
task: toy:curve
metrics: {name: score, goal: maximize}
parameters:
  lr: {loguniform: [0, 1]}
  x: {unform: [0, 1]}
stages:
  - {data: 0.5, epochs: 1}
  - {data: 0.1, epochs: two}
"""


def test_all_mistakes_of_a_file_are_shown_with_their_lines(project: Project) -> None:
    project.write("sweep.yaml", BROKEN)
    out = project.sieve("run", "sweep.yaml", code=2)
    for line, says in ((3, "'metric'"), (5, "parameters/lr"), (6, "'uniform'"), (9, "stages/1/epochs")):
        assert any(f"sweep.yaml:{line}: " in shown and says in shown for shown in out.splitlines()), (says, out)
    assert project.rows("ls") == []


def test_a_wrong_task_is_named_with_its_line(project: Project, toy: Toy) -> None:
    project.write("sweep.yaml", "\n".join(f"{key}: {json.dumps(value)}" for key, value in toy(task="toy:curv").items()))
    assert "error: sweep.yaml:2: task: " in project.sieve("run", "sweep.yaml", code=2)


def test_a_key_that_the_loop_does_not_read_draws_a_warning(project: Project, toy: Toy) -> None:
    spec = toy(
        task="toy:Blobs",
        metric={"name": "val_accuracy", "goal": "maximize"},
        parameters={"learning_rate": {"loguniform": [1e-3, 1]}, "optimiser": "sgd"},
    )
    project.write("sweep.yaml", spec)
    out = project.sieve("run", "sweep.yaml", "--dry-run")
    assert "parameters/learning_rate: is passed to the task alone; Sieve's loop reads lr" in out
    assert "Sieve's loop reads optimizer" in out


def test_a_folder_that_shadows_a_package_of_ours_is_refused(project: Project, toy: Toy) -> None:
    (project.folder / "service").mkdir()
    (project.folder / "service" / "__init__.py").touch()
    project.write("sweep.yaml", toy())
    out = project.sieve("run", "sweep.yaml", code=2)
    assert "service" in out
    assert "rename" in out


def test_storage_that_cannot_be_written_is_refused(project: Project, toy: Toy) -> None:
    project.write("sweep.yaml", toy())
    (project.folder / "file").touch()
    assert "--home" in project.sieve("run", "sweep.yaml", "--home", "file/home", code=2)


def test_an_unknown_verb_or_sweep_gets_the_nearest(project: Project) -> None:
    assert "'trials'" in project.sieve("trails", "toy", code=2)
    assert "no sweep 'toy'" in project.sieve("status", "toy", code=2)


@pytest.mark.parametrize("arguments", [["--help"], ["ls"], ["schema"]])
def test_verbs_that_need_neither_load_neither(project: Project, arguments: list[str]) -> None:
    script = (
        "import sys\nfrom service.interface.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "print([m for m in ('ray', 'torch', 'pandas', 'alembic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project.folder, env=project.environment, capture_output=True, text=True
    )
    assert done.stdout.endswith("[]\n"), done.stdout[-200:] + done.stderr


def test_the_schema_is_json(project: Project) -> None:
    assert json.loads(project.sieve("schema"))["type"] == "object"
    assert SIEVE.exists()
