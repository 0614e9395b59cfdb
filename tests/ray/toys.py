"""Sweeps over the toy tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from service.engine.control.sweep import Outcome, run
from service.engine.submit.local import submit

PROJECT = Path(__file__).parents[1] / "projects"


def toy(**changes: Any) -> dict[str, Any]:
    """A spec of two stages over `toy:curve`; top-level keys replaced by ``changes``.

    One trial at a time, as a worker process takes seconds of a processor to start; ``resources={}``: as many as fit.
    """
    spec: dict[str, Any] = {
        "name": "toy",
        "task": "toy:curve",
        "metric": {"name": "score", "goal": "maximize"},
        "parameters": {"x": {"uniform": [0, 1]}},
        "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 2}],
        "search": {"algorithm": "random", "trials": 8, "seed": 1},
        "schedule": {"algorithm": "asha", "reduction_factor": 2},
        "resources": {"max_concurrent": 1},
    }
    return spec | changes


def go(spec: dict[str, Any], home: Path) -> Outcome:
    """Submit and run in this process."""
    submit(spec, home, project=PROJECT)
    return run(spec["name"], home)
