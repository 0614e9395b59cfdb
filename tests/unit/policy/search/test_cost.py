"""What configs cost, in the choice of the next one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.policy import search
from service.policy.observation import Observation
from service.policy.search.model.cost import CostModel, relative, spent
from service.spec import Spec, load


def spec_of(**changes: Any) -> Spec:
    raw = {
        "name": "a",
        "task": "toy:curve",
        "metric": {"name": "loss", "goal": "minimize"},
        "parameters": {"x": {"uniform": [0.0, 1.0]}, "y": {"uniform": [0.0, 1.0]}},
        "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 1}],
        "search": {"algorithm": "bayesopt", "trials": 1000},
    }
    return load(raw | changes)


def test_times_are_seen_beside_the_median_of_their_stage() -> None:
    seconds = np.array([[1.0, np.nan], [2.0, 40.0], [4.0, 80.0], [np.nan, 40.0], [np.nan, np.nan], [0.0, np.nan]])
    assert relative(seconds)[:4] == pytest.approx(np.log([0.5, 1.0, 2.0, 1.0]))
    assert np.isnan(relative(seconds)[4:]).all()
    assert np.isnan(relative(seconds / 100.0)).all()


def test_a_cost_that_follows_from_the_config_is_told_and_one_of_chance_is_not() -> None:
    draw = np.random.default_rng(0)
    columns = draw.random((40, 3))
    told = CostModel(columns, 2.0 * columns[:, 0])
    cheap, dear = told(np.array([[0.1, 0.5, 0.5], [0.9, 0.5, 0.5]]))
    assert told.explained > 0.9
    assert dear / cheap == pytest.approx(np.exp(1.6), rel=0.2)
    chance = CostModel(columns, draw.normal(size=40))
    assert chance.explained < 0.1
    assert chance(columns) == pytest.approx(np.ones(40), abs=0.1)
    assert CostModel(columns, np.ones(40))(columns) == pytest.approx(np.ones(40))


def test_what_is_spent_of_each_budget() -> None:
    seconds = np.array([[1.0, 9.0], [2.0, np.nan], [4.0, np.nan]])
    assert spent(spec_of(), 250, seconds, 1) == pytest.approx(0.25, abs=1e-3)
    assert spent(spec_of(budget={"time": 16}), 1, seconds, 1) == 0.5
    assert spent(spec_of(budget={"epochs": 2.6}), 1, seconds, 1) == pytest.approx(0.5)
    assert spent(spec_of(budget={"time": 1}), 1, seconds, 1) == 1.0


def proposed(trials: int, unit: float, cheap_low: bool, **changes: Any) -> list[float]:
    """``x`` of proposals by several seeds, where the lower or the upper half of it is cheap and only ``y`` is good."""
    draw, table = np.random.default_rng(0), []
    for number in range(1, 25):
        x, y = draw.random(2)
        long = unit * (0.3 if (x < 0.5) == cheap_low else 3.0)
        order = {0: 2 * number, 1: 2 * number + 1}
        table.append(Observation(number, {"x": x, "y": y}, "FINISHED", {0: y, 1: y}, {0: long / 9, 1: long}, order))
    specs = [spec_of(search={"algorithm": "bayesopt", "trials": trials, "seed": seed}, **changes) for seed in range(6)]
    return [(search.create(spec).propose(25, table) or {})["x"] for spec in specs]


def test_of_equally_good_configs_the_cheap_are_tried_early_on() -> None:
    assert max(proposed(1000, 10.0, cheap_low=True)) < 0.5
    assert min(proposed(1000, 10.0, cheap_low=False)) > 0.5


def test_where_one_trial_trains_at_a_time_seconds_change_nothing() -> None:
    alone = {"resources": {"max_concurrent": 1}}
    assert proposed(1000, 10.0, cheap_low=True, **alone) == proposed(1000, 10.0, cheap_low=False, **alone)


@pytest.mark.parametrize(("trials", "unit"), [(25, 10.0), (1000, 0.01)])
def test_the_last_trials_and_those_too_short_to_time_do_not_count_it(trials: int, unit: float) -> None:
    assert proposed(trials, unit, cheap_low=True) == proposed(trials, unit, cheap_low=False)
