"""The tasks of other kinds in README and docs, each run by the README's own sweep."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from service.engine.control.sweep import run
from service.engine.submit.local import submit
from tests.readme import OTHER_TASKS, block_with, blocks


@pytest.mark.parametrize("mark", OTHER_TASKS)
def test_every_other_task_of_the_docs_runs_as_the_sweep_of_the_readme(tmp_path: Path, mark: str) -> None:
    module, name, metric = OTHER_TASKS[mark]
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    (project / f"{module}.py").write_text(block_with(mark).code)
    spec = yaml.safe_load(next(block.code for block in blocks("README.md") if block.language == "yaml"))
    changed = {"name": module, "task": f"{module}:{name}", "metric": metric, "search": {"trials": 3}}
    submit({**spec, **changed, "resources": {"max_concurrent": 1}}, home, project=project)
    outcome = run(module, home)
    assert outcome.state == "SUCCEEDED", outcome.why
    assert {path.name for path in project.iterdir() if path.is_dir()} <= {"__pycache__"}
