"""A notebook, run cell by cell in a real kernel: a sweep shows itself there, and sees the edits of its code."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

SPEC = {
    "name": "noted",
    "task": "noted:train",
    "metric": {"name": "score", "goal": "maximize"},
    "parameters": {"lr": {"uniform": [0.0, 1.0]}},
    "stages": [{"data": 1.0, "epochs": 1}],
    "search": {"algorithm": "random", "trials": 2},
}
TASK = """import noted_helper


def train(config, stage):
    for _ in stage:
        stage.report({"score": noted_helper.score()})
"""
EDIT = "from pathlib import Path\nPath('noted_helper.py').write_text('def score():\\n    return 2.0\\n')"
CELLS = (
    "import service",
    f"sweep = service.run({SPEC})",
    "sweep",
    f"{EDIT}\nagain = service.run({SPEC | {'name': 'again'}})\nagain.best()['score'].item()",
    f"service.check({SPEC}, seconds=1)",
    "service.results()",
)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """The outputs of each of `CELLS`."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "noted.py").write_text(TASK)
    (folder / "noted_helper.py").write_text("def score():\n    return 1.0\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return [cell.outputs for cell in notebook.cells]


def words(output: Any) -> str:
    """The text of an HTML output."""
    return unescape(re.sub(r"<[^>]+>", "", output["data"]["text/html"]))


def test_a_sweep_shows_in_its_cell_how_it_stands(outputs: list[list[Any]]) -> None:
    [shown] = [output for output in outputs[1] if output["output_type"] == "display_data"]
    assert "noted  SUCCEEDED  2 of 2 trials done" in words(shown)


def test_no_cell_has_anything_else_to_say(outputs: list[list[Any]]) -> None:
    assert [output for cell in outputs for output in cell if output["output_type"] == "stream"] == []


def test_handles_checks_and_results_are_tables(outputs: list[list[Any]]) -> None:
    handle, check, results = (cell[-1] for cell in (outputs[2], outputs[4], outputs[5]))
    assert "best score 1" in words(handle)
    assert "config/lr" in words(handle)
    assert "evidence" in words(check)
    assert "again" in words(results)
    assert "Sweep('noted', SUCCEEDED)" in handle["data"]["text/plain"]


def test_code_that_was_edited_meanwhile_is_what_runs(outputs: list[list[Any]]) -> None:
    assert outputs[3][-1]["data"]["text/plain"] == "2.0"
