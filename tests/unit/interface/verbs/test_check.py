"""What `sieve check` prints, and how `sieve run` refuses a broken task before it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import service
from service.engine.preflight import Finding, Report
from service.interface.pages import ramp
from service.interface.verbs.check import describe
from service.spec import UserError, load
from tests.unit.interface.conftest import Terminal

PROJECTS = Path(__file__).parents[3] / "projects"


def spec(task: str) -> dict[str, Any]:
    return {
        "name": "broken",
        "task": f"broken:{task}",
        "metric": {"name": "val_accuracy", "goal": "maximize"},
        "parameters": {"lr": {"loguniform": [1e-3, 0.1]}, "batch_size": 4},
        "stages": [{"data": 0.25, "epochs": 1}, {"data": 1.0, "epochs": 2}],
    }


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(PROJECTS)

    def write(task: str) -> str:
        path = tmp_path / "sweep.yaml"
        path.write_text(load(spec(task)).to_yaml())
        return str(path)

    return write


def test_a_report_has_a_line_for_each_finding_and_its_cure() -> None:
    report = Report((Finding("ok", "data", "fine"), Finding("warn", "leak", "3 of 9", "remove them")))
    assert describe(report).splitlines()[1:] == [
        "\x1b[33mwarn\x1b[0m  leak: 3 of 9",
        "      → remove them",
        "0 failed, 1 to look at",
    ]
    assert describe(Report((Finding("ok", "data", "fine"),))).endswith("all is well")


def test_run_refuses_a_broken_task_and_says_how_to_skip_that(sieve: Terminal, file: Any, home: Path) -> None:
    refused = sieve("run", file("Negative"), "--dry-run", code=2)
    assert "targets: 200 class labels are negative" in refused.stderr
    assert refused.stderr.endswith("--no-check (check=False in Python) runs the sweep anyway\n")
    assert "expected budget" in sieve("run", file("Negative"), "--dry-run", "--no-check").stdout
    assert not home.exists()


def test_run_warns_of_what_is_strange(sieve: Terminal, file: Any) -> None:
    result = sieve("run", file("Leaky"), "--dry-run")
    assert "warning: leak: 40 of 200 validation examples" in result.stderr
    assert "warning" not in sieve("run", file("Healthy"), "--dry-run").stderr


def test_python_refuses_it_too_before_anything_is_stored(home: Path) -> None:
    with pytest.raises(UserError, match=r"(?s)200 class labels are negative.*check=False in Python"):
        service.run(spec("Negative"), project=PROJECTS, home=home)
    assert not home.exists()


def test_a_mistake_in_the_file_is_one_of_the_users(sieve: Terminal, file: Any) -> None:
    assert "no class labels" not in sieve("check", file("Nowhere"), code=2).stderr
    assert "broken has no Nowhere" in sieve("check", file("Nowhere"), code=2).stderr
    assert "no file 'sweep.yaml'" in sieve("check", "sweep.yaml", code=2).stderr


def test_the_page_of_a_ramp_draws_the_losses_that_are_in_reach(tmp_path: Path) -> None:
    path = ramp.write(
        tmp_path / "new" / "a-lr.html", "<a>", [1e-3, 1e-2, 1e-1], [2.0, 1.0, 90.0], [2.0, 1.5, 9.0], "lr: x"
    )
    text = path.read_text()
    assert text.count('class="line c0"') == 2  # The line, and its mark in the legend.
    assert "&lt;a&gt;: ramp" in text
    assert "lr: x" in text
    assert ">90<" not in text


def test_a_plan_that_sieve_makes_is_printed_with_its_steps(sieve: Terminal, file: Any) -> None:
    path = Path(file("Healthy"))
    raw = load(path).to_dict() | {"stages": {"epochs": 20}, "planned": None}
    made = load(raw)
    path.write_text(made.to_yaml().split("stages:")[0] + "stages: {epochs: 20}\n")
    told = sieve("run", str(path), "--dry-run").stdout
    assert "stages made for a full training of 20 epochs, by 32 trials and 600 training examples:" in told
    assert "optimizer steps by its end" in told
    assert "no file" not in told
