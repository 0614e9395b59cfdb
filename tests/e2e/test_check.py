"""`sieve check` as a user runs it, on the example sweep with real data."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import Project

ROOT = Path(__file__).parents[2]


def test_the_example_sweep_of_digits_passes(project: Project) -> None:
    rows = project.rows("check", str(ROOT / "trainables" / "tasks" / "digits.yaml"))
    assert {row["level"] for row in rows if row["name"] != "time"} == {"ok"}
    assert {"data", "labels", "one batch", "corners", "checkpoint", "forecast"} <= {row["name"] for row in rows}
    assert not (project.folder / ".sieve").exists()
