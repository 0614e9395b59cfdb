"""The check on the target: a worker with the resources of a trial."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import service
from service.interface.cli import main
from service.spec import UserError
from tests.unit.interface.verbs.test_check import spec
from trainables.tasks import digits

PROJECT = Path(__file__).parents[1] / "projects"


def test_a_sound_task_passes_with_its_costs_and_a_broken_one_does_not() -> None:
    report = service.check(spec("Healthy"), project=PROJECT, seconds=60)
    frame = report.frame().set_index("name")
    assert frame.loc["gpus", "level"] == "warn", "this cluster has one, which the sweep leaves alone"
    assert set(frame.drop("gpus")["level"]) == {"ok"}, str(report)
    assert "with 2 trials at once, 0 GPU hours" in frame.loc["forecast", "evidence"]
    assert frame.loc["stages", "evidence"].startswith("stage 0 ")
    broken = service.check(spec("Unordered"), project=PROJECT, seconds=60)
    assert not broken
    levels = broken.frame().set_index("name")["level"]
    assert levels["data order"] == "fail"
    assert levels["one seed"] in ("warn", "fail"), "by chance another order changes little"


def test_the_example_sweep_of_digits_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["check", str(Path(digits.__file__).with_suffix(".yaml")), "-o", "json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert {row["level"] for row in rows if row["name"] not in ("time", "gpus", "steps")} == {"ok"}
    assert {row["level"] for row in rows if row["name"] == "steps"} == {"warn"}, "its first stage is of few steps"
    assert {"data", "labels", "one batch", "corners", "checkpoint", "forecast"} <= {row["name"] for row in rows}
    assert not list(tmp_path.iterdir())


def test_what_the_cluster_lacks_is_a_mistake_of_the_users() -> None:
    with pytest.raises(UserError, match="asks for 99 CPU"):
        service.check(spec("Healthy") | {"resources": {"cpu": 99}}, project=PROJECT)


def test_the_command_line_finds_rates_and_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    file = tmp_path / "sweep.yaml"
    file.write_text(json.dumps(spec("Healthy")))

    def sieve(*words: str) -> Any:
        result = CliRunner().invoke(main, ["check", str(file), "--home", str(tmp_path), *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    text = sieve("--find-lr", "--find-batch")
    assert "lr: {loguniform: [" in text
    assert "batch_size: " in text
    assert "<svg" in (tmp_path / "reports" / "broken-lr.html").read_text()
    steps = json.loads(sieve("--find-lr", "-o", "json"))
    assert {"lr", "loss", "smoothed"} == set(steps[0])
