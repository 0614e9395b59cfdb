"""The demo's sweep on real data keeps what it promises."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.conftest import Project

ROOT = Path(__file__).parents[2]


def test_digits_are_learnt_at_a_fraction_of_the_cost(project: Project) -> None:
    out = project.sieve("run", str(ROOT / "trainables" / "tasks" / "digits.yaml"))
    assert "% of the" in out
    status = json.loads(project.sieve("status", "digits", "-o", "json"))
    [best] = project.rows("best", "digits", "-n", "1")
    assert best["val_accuracy"] >= 0.975
    assert len(project.rows("trials", "digits")) >= 32
    assert status["used"] <= 0.15 * status["full"]
