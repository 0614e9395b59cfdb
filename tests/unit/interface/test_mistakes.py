"""Mistakes that `sieve run` refuses before anything starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ray.toys import PROJECT, toy
from tests.unit.interface.conftest import Terminal

MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("unknown key", {"serch": {"trials": 3}}, "search"),
    ("falling fractions", {"stages": [{"data": 0.5, "epochs": 1}, {"data": 0.4, "epochs": 9}]}, "never fall"),
    ("fraction above 1", {"stages": [{"data": 1.5, "epochs": 1}]}, "1.5"),
    ("empty space", {"parameters": {"x": 1}}, "parameter"),
    ("no such module", {"task": "nothing:curve"}, "nothing"),
    ("no such name", {"task": "toy:curv"}, "curve"),
    ("not a task", {"task": "toy:NotATask"}, "NotATask"),
    ("grid over a range", {"search": {"algorithm": "grid"}}, "grid"),
    ("initial out of bounds", {"search": {"initial": [{"x": 2}]}}, "from 0 to 1"),
    ("class left empty", {"task": "toy:Blobs", "stages": [{"data": 0.001, "epochs": 1}]}, "0.00"),
]


@pytest.mark.parametrize(("change", "says"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_leaves_no_sweep(
    sieve: Terminal, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], says: str
) -> None:
    monkeypatch.chdir(PROJECT)
    file = tmp_path / "sweep.yaml"
    file.write_text(json.dumps(toy(**change)))
    out = sieve("run", str(file), code=2).stderr
    assert says in out
    assert "Traceback" not in out
    assert not home.exists()
