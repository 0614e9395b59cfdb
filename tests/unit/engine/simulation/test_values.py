"""Sweeps whose metric is huge, tiny, shifted, or no number at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from service.engine.curves.function import Computed
from service.engine.simulation.options import SimulationOptions
from service.engine.simulation.outcome import Simulation
from service.engine.simulation.simulate import simulate
from tests.unit.engine.conftest import spec_of

SQUARE = {"x": {"uniform": [0.0, 1.0]}, "y": {"uniform": [0.0, 1.0]}}


def loss(config: Mapping[str, Any]) -> float:
    return float((config["x"] - 0.2) ** 2 + (config["y"] - 0.7) ** 2)


def swept(value: Callable[[Mapping[str, Any]], float], searcher: str, trials: int = 30, **changes: Any) -> Simulation:
    """The coarse stage says nearly what the last one does."""
    spec = spec_of(
        "promote",
        parameters=SQUARE,
        metric={"name": "score", "goal": "minimize"},
        search={"algorithm": searcher, "trials": trials, "seed": 3},
        **changes,
    )
    return simulate(
        spec, Computed(lambda config, data, epoch: (value(config), data), "score", "loss"), SimulationOptions(workers=2)
    )


def configs(simulation: Simulation) -> list[Mapping[str, Any]]:
    return [trial.config for trial in simulation.trials]


@pytest.mark.parametrize("searcher", ["bayesopt", "hyperopt"])
@pytest.mark.parametrize("outlier", [1e200, -1e200, 1.7e308, -1.7e308, math.nan, math.inf])
def test_one_value_out_of_all_proportion_ends_nothing(searcher: str, outlier: float) -> None:
    """Of two rounds, so that the space is narrowed around what was found."""
    simulation = swept(
        lambda config: outlier if config["x"] > 0.8 else loss(config), searcher, 30, rounds={"count": 2, "keep": 0.25}
    )
    assert simulation.ending.state == "SUCCEEDED"
    assert len(simulation.trials) == 60
    good = [loss(config) for config in configs(simulation)]
    if not outlier < 0:
        assert min(good) < 0.02, "it still finds the best"


@pytest.mark.parametrize("searcher", ["bayesopt", "hyperopt"])
@pytest.mark.parametrize(
    "transform",
    [lambda v: 1e-20 * v, lambda v: 1e200 * v, lambda v: 3.0 * v - 7.0, lambda v: -1e6 + v],
    ids=["tiny", "huge", "shifted", "far"],
)
def test_scale_and_zero_of_the_metric_do_not_matter(searcher: str, transform: Callable[[float], float]) -> None:
    plain = configs(swept(loss, searcher))
    other = configs(swept(lambda config: transform(loss(config)), searcher))
    assert [config["x"] for config in other] == pytest.approx([config["x"] for config in plain], abs=0.02)


@pytest.mark.parametrize("transform", [lambda v: math.exp(20.0 * v), lambda v: v**3, lambda v: math.log(v + 1e-9)])
def test_any_increasing_function_of_the_metric_is_searched_about_as_well(transform: Callable[[float], float]) -> None:
    found = configs(swept(lambda config: transform(loss(config)), "bayesopt", 40))
    assert min(map(loss, found)) < 0.002


def test_where_training_diverges_little_is_tried() -> None:
    """The best lies beside a region that is three quarters of the space, so that chance would try it 22 times of 30."""
    found = configs(swept(lambda config: math.nan if config["x"] > 0.25 else loss(config), "bayesopt", 40))
    assert sum(config["x"] > 0.25 for config in found[10:]) <= 17
    assert min(loss(config) for config in found if config["x"] <= 0.25) < 0.002
