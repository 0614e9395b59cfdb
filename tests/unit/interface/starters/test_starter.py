"""What `sieve init` writes runs as it is: it passes the check, and a trial of it learns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from service.engine.preflight import examination
from service.interface.starters import starter
from service.interface.starters.kinds import KINDS
from service.spec import load
from trainables.stages import Plan, Stage
from trainables.worker.staged import StagedTrainable


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ray's folders are of this test, and its paths and modules end with it."""
    monkeypatch.setattr("ray.tune.trainable.trainable.DEFAULT_STORAGE_PATH", str(tmp_path / "ray"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    torch.set_num_threads(1)
    yield
    sys.modules.pop("task", None)


def trained(folder: Path, epochs: int, **config: Any) -> float:
    """The metric of the sweep in ``folder`` after a tiny trial of its middle config; its quick check must pass."""
    spec = load(folder / "sweep.yaml")
    report = examination.quick(spec, str(folder))
    assert report, [str(finding) for finding in report.failures]
    given = examination.question(spec, str(folder)).given
    plan = Plan((Stage(0.5, 1), Stage(1.0, epochs)))
    given = replace(given, folder=folder / "checkpoints", plan=plan, config={**given.config, **config})
    trainable = StagedTrainable(given.to_dict())
    try:
        results = [trainable.step() for _ in range(1 + epochs)]
    finally:
        trainable.stop()
    assert results[-1]["sieve"]["failure"] is None
    assert results[-1]["done"]
    return float(results[-1][spec.metric.name])


ENOUGH: dict[str, tuple[float, int, dict[str, Any]]] = {
    "images": (0.6, 5, {"lr": 0.01, "width": 8}),  # chance is a third
    "table": (0.8, 6, {"lr": 0.01}),
    "text": (0.8, 6, {"lr": 0.01}),
    "lightning": (0.8, 4, {"lr": 0.01}),
    "transformers": (0.75, 3, {"learning_rate": 0.003, "hidden": 32, "layers": 1}),
    "loop": (0.8, 6, {"lr": 0.01}),
}
"""For each kind what a short trial reaches, its epochs, and its config."""


@pytest.mark.parametrize("kind", list(KINDS))
def test_each_kind_runs_as_it_is_and_learns(kind: str, tmp_path: Path) -> None:
    written = starter.write(kind, tmp_path / "first").written
    assert all(path.exists() for path in written)
    assert [path.name for path in written[:2]] == ["task.py", "sweep.yaml"]
    spec = load(tmp_path / "first" / "sweep.yaml")
    assert [str(one) for one in examination.quick(spec, str(tmp_path / "first")) if one.level != "ok"] == []
    least, epochs, config = ENOUGH[kind]
    assert trained(tmp_path / "first", epochs, **config) > least


def test_sample_data_are_the_same_each_time(tmp_path: Path) -> None:
    for kind in ("table", "text", "images"):
        one, two = (starter.write(kind, tmp_path / kind / name).written[2] for name in "ab")
        files = [[path, *sorted(path.rglob("*.png"))] for path in (one, two)]
        for first, second in zip(*files, strict=True):
            assert first.is_dir() or first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_written_is_code_that_one_would_keep(kind: str, tmp_path: Path) -> None:
    starter.write(kind, tmp_path)
    insist_tidy(tmp_path / "task.py")


def insist_tidy(file: Path) -> None:
    text = file.read_text()
    assert text.count("\n") < 68
    rules = ["--isolated", "--no-cache", "--line-length", "120"]
    for command in (["check", "--select", "E,F,I,W,UP"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", command[0], *rules, *command[1:], str(file)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def houses(rows: int = 200) -> pd.DataFrame:
    """A table with gaps, categories, booleans, dates, an empty column and one of mixed types."""
    draws = np.random.default_rng(0)
    area = draws.normal(100, 20, rows)
    town = draws.choice(["north", "south"], rows)
    table = pd.DataFrame(
        {
            "area": area,
            "town": town,
            "garden": draws.random(rows) < 0.5,
            "sold": pd.date_range("2020-01-01", periods=rows),
            "empty": np.nan,
            "note": [None if number % 3 else number for number in range(rows)],
            "price": (area * 10 + 300 * (town == "south")).round(2),
            "rooms": np.where(area < 90, 2, np.where(area < 110, 3, 4)),
        }
    )
    table.loc[::7, "area"] = np.nan
    table.loc[::11, "town"] = None
    table.loc[:2, ["price", "rooms"]] = np.nan
    return table


@pytest.mark.parametrize("kind", ["table", "lightning", "loop"])
def test_a_table_of_ones_own_with_numbers_to_predict(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "my data" / "houses.csv"
    path.parent.mkdir()
    houses().drop(columns="rooms").to_csv(path, index=False)
    found = starter.write(kind, tmp_path / "first", path, "price").data
    assert found.numbers
    assert "197 numbers to predict in the column 'price'" in found.words
    assert load(tmp_path / "first" / "sweep.yaml").metric.name == "val_loss"
    insist_tidy(tmp_path / "first" / "task.py")
    assert trained(tmp_path / "first", 8, lr=0.01) < 0.7  # 1 is what the mean would get


def test_a_parquet_table_with_classes(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    table = houses().drop(columns="price")
    rooms = pd.CategoricalDtype([1.0, 2.0, 3.0, 4.0])  # nobody has one room
    table = table.astype({"town": "category", "garden": "boolean", "note": "Int64", "rooms": rooms})
    table.loc[::5, "garden"] = None
    table.to_parquet(folder / "houses.parquet")
    found = starter.write("table", folder, folder / "houses.parquet", "rooms").data
    assert "197 rows of 3 values of the column 'rooms'" in found.words
    assert load(folder / "sweep.yaml").data_dir == "."
    assert trained(folder, 8, lr=0.01) > 0.6


def test_a_csv_with_semicolons(tmp_path: Path) -> None:
    houses().drop(columns="price").to_csv(tmp_path / "houses.csv", index=False, sep=";")
    starter.write("table", tmp_path, tmp_path / "houses.csv", "rooms")
    assert trained(tmp_path, 8, lr=0.01) > 0.6


@pytest.mark.parametrize("kind", ["text", "transformers"])
def test_texts_of_ones_own(kind: str, tmp_path: Path) -> None:
    said = {"spam": "win a prize", "ham": "see you"}
    labels = ["spam" if number % 4 else "ham" for number in range(120)]
    lines = [f"{label}\t{said[label]} {number}\tok\u2028!" for number, label in enumerate(labels)]
    (tmp_path / "mails.tsv").write_text("\ufeff" + "\n".join(lines) + "\n\n", encoding="utf-8")
    found = starter.write(kind, tmp_path / "first", tmp_path / "mails.tsv").data
    assert "120 lines of 2 labels" in found.words
    config = {"learning_rate": 0.003} if kind == "transformers" else {"lr": 0.01}
    assert trained(tmp_path / "first", 4, **config) == 1.0


def test_images_of_ones_own(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    for name, level in (("night", 40), ("day", 200)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(30):
            pixels = draws.normal(level, 20, (20, 30)).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.JPG")
    (tmp_path / "photos" / ".thumbnails").mkdir()
    (tmp_path / "photos" / "day" / "notes.txt").touch()
    found = starter.write("images", tmp_path / "first", tmp_path / "photos").data
    assert "60 images of 2 folders of images" in found.words
    assert trained(tmp_path / "first", 4, lr=0.01, width=8) == 1.0
