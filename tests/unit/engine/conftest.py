"""A small sweep to simulate, and the curve that its configs have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.engine.curves.function import Computed
from service.spec import Spec, load

STAGES = [{"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 2}]


def spec_of(schedule: str = "fifo", **changes: Any) -> Spec:
    """Two stages over `x` in [1, 4]; top-level keys replaced by ``changes``."""
    raw = {
        "name": "toy",
        "task": "nowhere:task",
        "metric": {"name": "score", "goal": "maximize"},
        "parameters": {"x": {"uniform": [1.0, 4.0]}},
        "stages": STAGES,
        "search": {"algorithm": "random", "trials": 12, "seed": 3},
        "schedule": {"algorithm": schedule, "reduction_factor": 3},
    }
    return load(raw | changes)


def grid(*values: float, **changes: Any) -> Spec:
    """The same without a stop, over these values of `x`."""
    return spec_of(parameters={"x": {"choice": list(values)}}, search={"algorithm": "grid"}, **changes)


def curve(config: Mapping[str, Any], data: float, epoch: int) -> tuple[float, float]:
    """An epoch on all data takes `x` seconds; the score climbs towards `x`."""
    return config["x"] * (1 - 0.5**epoch), config["x"] * data


CURVES = Computed(curve, "score", "curve")
