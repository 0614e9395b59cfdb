"""The classes that the docs show do what the docs say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import service
from tests.readme import PARTS, block_with, blocks
from trainables.loop.training import Training
from trainables.stages import Plan, Stage


def test_the_task_trains_and_reports_its_metrics() -> None:
    space: dict[str, Any] = {}
    exec(block_with("class Sines(").code, space)
    task = space["Sines"]()
    plan = Plan((Stage(0.5, 1), Stage(1.0, 3)))
    training = Training(task, task.data(), {"hidden": 16, "lr": 0.01}, plan, seed=0)
    reports = [training.run_epoch() for _ in range(4)]
    assert all(set(report) == {"train_loss", "val_loss", "val_mae"} for report in reports)
    assert reports[-1]["val_loss"] < reports[0]["val_loss"]


def test_the_searcher_is_asked_by_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = block_with("class Halves(").code
    (tmp_path / "own.py").write_text(code)
    whole, part = [
        yaml.safe_load(block.code)
        for page in ("README.md", "docs/how-to/custom-searcher.md")
        for block in blocks(page)
        if block.language == "yaml"
    ]
    sweep = service.simulate({**whole, **part}, lambda config, data, epoch: (config["lr"], 1.0), home=tmp_path)
    rates = sweep.trials()["config/lr"].to_list()
    assert rates == [0.5 / 2**number for number in range(1, 9)]


def test_each_part_is_tried_here() -> None:
    assert sorted(PARTS) == ["class Halves(", "class Sines("]
