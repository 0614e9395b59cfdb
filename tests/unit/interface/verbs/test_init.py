"""`sieve init` says what it wrote and what comes next, and refuses with a cure what it cannot do."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from service.interface.cli import main
from service.interface.starters.kinds import KINDS


def sieve(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [*words])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_says_what_it_wrote_and_what_comes_next() -> None:
    told = sieve("init", "table", "--folder", "a first").stdout.splitlines()
    assert told[:3] == [f"wrote a first/{name}" for name in ("task.py", "sweep.yaml", "data/customers.csv")]
    assert told[3].startswith("data: 600 rows of 2 values of the column 'buys' of ")
    assert [line.split("#")[0].strip() for line in told[5:]] == [
        "Next:",
        "cd 'a first'",
        "sieve check sweep.yaml",
        "sieve run sweep.yaml",
        "sieve best table -n 3",
    ]
    assert "cd" not in sieve("init", "loop").stdout.split()


def test_nothing_is_overwritten_without_force(folder: Path) -> None:
    (folder / "sweep.yaml").write_text("mine")
    told = sieve("init", "table", code=2).stderr
    assert "sweep.yaml is there already; --force overwrites, --folder FOLDER writes into another folder" in told
    assert sorted(path.name for path in folder.iterdir()) == ["sweep.yaml"], "nor is anything else written"
    sieve("init", "table", "--force")
    assert "task: task:Table" in (folder / "sweep.yaml").read_text()
    assert "task.py and sweep.yaml and data/customers.csv are there already" in sieve("init", "loop", code=2).stderr
    sieve("init", "text", "--force")
    assert (folder / "data" / "customers.csv").exists()


def write_all(folder: Path) -> None:
    """Data of all kinds, most of which are of no use."""
    ids = [f"id{number}" for number in range(40)]
    table = pd.DataFrame({"id": ids, "kind": ["a", "b"] * 20, "one": 1, "rare": ["x", *["y"] * 39]})
    table["few"] = [number // 2 for number in range(20)] * 2
    table.to_csv(folder / "t.csv", index=False)
    table.head(8).to_csv(folder / "short.csv", index=False)
    (folder / "t.xlsx").touch()
    (folder / "empty.csv").touch()
    (folder / "broken.parquet").write_text("no parquet")
    (folder / "bare.tsv").write_text("a\tfirst\nsecond\n")
    (folder / "header.tsv").write_text("label\ttext\n" + "a\tx\nb\ty\n" * 9)
    (folder / "latin.tsv").write_bytes("a\tcafé\n".encode("latin-1"))
    for name in ("split/train/a", "split/test/a", "one/a", "none"):
        (folder / name).mkdir(parents=True)
    (folder / "one" / "a" / "0.png").touch()


@pytest.mark.parametrize(
    ("words", "message", "cure"),
    [
        ("table --data nowhere.csv", "there is no 'nowhere.csv'", "--data"),
        ("table --target id", "--target id is without --data", "--data PATH"),
        ("text --data bare.tsv --target a", "--target a names a column", "leave --target out"),
        ("table --data t.csv", "to be predicted: id, kind, one, rare, few", "--target COLUMN"),
        ("loop --data t.csv --target kinds", "has no column 'kinds': id, kind, one, rare, few", "--target COLUMN"),
        ("table --data t.csv --target id", "id0, id1", "give more"),
        ("table --data t.csv --target rare", "one of the rows only: x", "take them out"),
        ("table --data t.csv --target one", "there are 1 values", "two classes"),
        ("table --data short.csv --target few", "8 rows are too few for 4 values", "at least 20"),
        ("table --data t.xlsx --target id", "'t.xlsx' is no table by its name", ".csv, .tsv or .parquet"),
        ("table --data empty.csv --target id", "pandas cannot read", "pandas.read_csv"),
        ("table --data broken.parquet --target id", "pandas cannot read", "pandas.read_parquet"),
        ("table --data none --target id", "is a folder", "CSV or Parquet"),
        ("text --data bare.tsv", "lines without a TAB: 2", "LABEL TAB TEXT"),
        ("text --data header.tsv", "one of the lines only: label", "also a header"),
        ("text --data latin.tsv", "is not UTF-8 text (byte 5)", "UTF-8"),
        ("text --data none", "is a folder", "LABEL TAB TEXT"),
        ("images --data t.csv", "is a file", "a folder of images per class"),
        ("images --data split", "these folders hold no images: test, train", "such as its train"),
        ("images --data one", "there are 1 folders of images", "two classes"),
        ("images --data none", "there are 0 folders of images", "two classes"),
        ("table --folder t.csv/a", "cannot write to t.csv/a: Not a directory", "--folder"),
    ],
)
def test_what_cannot_be_is_refused_with_the_cure(words: str, message: str, cure: str, folder: Path) -> None:
    write_all(folder)
    told = sieve("init", *words.split(), code=2).stderr
    assert message in told
    assert cure in told.split(message)[1]
    assert not (folder / "task.py").exists()


@pytest.mark.parametrize(
    ("kind", "package", "command"),
    [
        ("images", "PIL", "pip install pillow"),
        ("lightning", "lightning", "pip install '.[lightning]'"),
        ("transformers", "accelerate", "pip install '.[hf]'"),
    ],
)
def test_what_a_kind_needs_is_named(kind: str, package: str, command: str, monkeypatch: Any, folder: Path) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(
        "service.interface.starters.kinds.find_spec", lambda name: None if name == package else there(name)
    )
    told = sieve("init", kind, code=2).stderr
    assert f"sieve init {kind} needs {package}, which is not installed; " in told
    assert told.endswith(f"{command}\n")
    assert list(folder.iterdir()) == []


def test_an_unknown_kind_gets_the_list() -> None:
    assert all(kind in sieve("init", "audio", code=2).stderr for kind in KINDS)


def test_who_has_no_sweep_or_no_task_yet_is_told_of_it(folder: Path) -> None:
    assert "`sieve init` write a first task and sweep" in sieve("check", "sweep.yaml", code=2).stderr
    sieve("init", "table")
    (folder / "task.py").unlink()
    assert "`sieve init` writes a first task and sweep" in sieve("run", "sweep.yaml", "--dry-run", code=2).stderr
    assert "sieve init" not in sieve("check", "sweeps.yaml", code=2).stderr, "there is one beside it"
