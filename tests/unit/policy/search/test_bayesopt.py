"""The parts of the Gaussian process searcher."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from service.policy import search
from service.policy.observation import Observation
from service.policy.search.bayesopt import EVERYWHERE
from service.policy.search.model.candidates import around
from service.policy.search.model.estimates import estimate
from service.policy.search.model.features import Features
from service.policy.search.model.gaussian_process import GaussianModel, hyperparameters, undisturbed
from service.policy.search.sobol import point
from service.spec import Space, Spec, load

SPACE = Space.parse(
    {
        "lr": {"loguniform": [1e-4, 1.0]},
        "batch": {"choice": [32, 64, 128]},
        "optimizer": {"choice": ["sgd", "adam"]},
        "momentum": {"uniform": [0.0, 0.99], "when": {"optimizer": ["sgd"]}},
        "layers": {"randint": [1, 4]},
        "width": {"uniform": [0.0, 1.0], "when": {"layers": [2, 3]}},
    }
)


def spec_of(parameters: dict[str, Any], **changes: Any) -> Spec:
    raw = {
        "name": "a",
        "task": "toy:curve",
        "metric": {"name": "loss", "goal": "minimize"},
        "parameters": parameters,
        "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 1}],
        "search": {"algorithm": "bayesopt", "trials": 1000},
    }
    return load(raw | changes)


def observed(trial: int, *values: float, state: str = "PAUSED") -> Observation:
    return Observation(trial, {}, state, dict(enumerate(values)), {}, {s: 10 * trial + s for s in range(len(values))})


def test_a_coarse_loss_is_carried_to_the_last_stage_with_its_doubt() -> None:
    both = [observed(t, 0.1 * t, 0.1 * t - 0.5) for t in range(1, 11)]
    estimates = {e.trial: e for e in estimate([*both, observed(11, 0.55)], "minimize")}
    assert estimates[3].loss == pytest.approx(-0.2)
    assert estimates[3].variance == 0.0
    assert estimates[11].loss == pytest.approx(0.05, abs=0.02)
    assert 0.0 < estimates[11].variance < 0.05


def test_a_stage_that_tells_nothing_leaves_its_trials_in_doubt() -> None:
    draw = np.random.default_rng(0)
    table = [observed(t, float(draw.normal()), float(draw.normal())) for t in range(1, 41)]
    estimates = {e.trial: e for e in estimate([*table, observed(41, -3.0)], "minimize")}
    assert estimates[41].variance > 0.5
    assert estimates[41].loss > -1.5


def test_the_broken_count_as_the_worst_and_the_goal_turns_the_sign() -> None:
    table = [observed(1, 0.2), observed(2, 0.9), observed(3, math.nan), observed(4, state="FAILED")]
    losses = {e.trial: e.loss for e in estimate(table, "maximize")}
    assert losses[2] == -0.9
    assert losses[3] == losses[4] == losses[1] == -0.2
    assert estimate([], "minimize") == []
    assert estimate([Observation(1, {}, "RUNNING")], "minimize") == []


def test_pruned_rows_are_those_of_the_space() -> None:
    features, draw = Features(SPACE), np.random.default_rng(0)
    units = draw.random((200, 6))
    expected = features.units([SPACE.to_unit(SPACE.from_unit(list(row))) for row in units])
    assert (np.isnan(features.prune(units)) == np.isnan(expected)).all()
    assert np.isnan(expected).any()


def test_categories_are_apart_and_growing_numbers_are_not_categories() -> None:
    features = Features(SPACE)
    rows = features.encode(np.array([[0.5, 0.1, 0.2, 0.5, 0.5, 0.5], [0.5, 0.1, 0.8, 0.5, 0.5, 0.5]]))
    assert rows.shape == (2, 7)
    assert np.linalg.norm(rows[0] - rows[1]) == pytest.approx(1.0)


def test_neighbours_stay_in_the_cube_and_near() -> None:
    good = np.full((3, 6), 0.95)
    near = around(np.random.default_rng(0), good, SPACE, 0.02)
    assert ((near >= 0.0) & (near < 1.0)).all()
    assert np.abs(near - 0.95).max() < 0.12


def test_the_model_finds_a_smooth_function_and_knows_where_it_does_not() -> None:
    x = np.random.default_rng(0).random((40, 2)) * 0.5
    y = np.sin(5 * x[:, 0]) + x[:, 1]
    y = (y - y.mean()) / y.std()
    with undisturbed():
        model = GaussianModel(hyperparameters(x, y, np.zeros(40)), x, y, np.zeros(40))
        mean, deviation = model.predict(x)
        _, away = model.predict(np.array([[1.0, 1.0]]))
        _, believed = model.believing(np.array([[1.0, 1.0]])).predict(np.array([[1.0, 1.0]]))
    assert np.abs(mean - y).max() < 0.1
    assert away[0] > 3 * deviation.mean()
    assert believed[0] < 0.5 * away[0]


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_it_learns_from_coarse_values_in_the_direction_of_the_goal(goal: str) -> None:
    """Most trials end the first stage alone; proposals gather where the last one is best all the same."""
    spec = spec_of({"x": {"uniform": [0, 1]}, "y": {"uniform": [0, 1]}}, metric={"name": "m", "goal": goal})
    searcher, sign = search.create(spec), 1.0 if goal == "minimize" else -1.0
    table: list[Observation] = []
    for number in range(1, 26):
        config = searcher.propose(number, table)
        assert config is not None
        loss = (config["x"] - 0.2) ** 2 + (config["y"] - 0.7) ** 2
        values = {0: sign * (2 * loss + 1)} | ({1: sign * loss} if number % 4 == 0 else {})
        table.append(Observation(number, config, "PAUSED", values, {}, {s: 2 * number + s for s in values}))
    late = [(o.config["x"] - 0.2) ** 2 + (o.config["y"] - 0.7) ** 2 for o in table[15:] if o.trial % 8]
    assert float(np.median(late)) < 0.02


def test_parallel_proposals_keep_apart() -> None:
    searcher = search.create(spec_of({"x": {"uniform": [0, 1]}, "y": {"uniform": [0, 1]}}))
    draw = np.random.default_rng(0)
    configs = [{"x": float(a), "y": float(b)} for a, b in draw.random((12, 2))]
    table = [observed(n, c["x"] ** 2 + c["y"], c["x"] ** 2 + c["y"]) for n, c in enumerate(configs, start=1)]
    table = [Observation(o.trial, c, o.state, o.values, {}, o.order) for o, c in zip(table, configs, strict=True)]
    for number in (17, 18, 19):
        table.append(Observation(number, dict(searcher.propose(number, table) or {}), "RUNNING"))
    points = np.array([[o.config["x"], o.config["y"]] for o in table[-3:]])
    gaps = [np.linalg.norm(points[i] - points[j]) for i in range(3) for j in range(i)]
    assert min(gaps) > 0.02


def test_a_config_is_not_tried_twice_while_there_are_others() -> None:
    searcher = search.create(spec_of({"a": {"choice": ["p", "q", "r"]}, "n": {"randint": [0, 6]}}))
    table: list[Observation] = []
    for number in range(1, 15):
        config = searcher.propose(number, table)
        assert config is not None
        table.append(Observation(number, config, "FINISHED", {0: config["n"], 1: config["n"]}, {}, {0: 2 * number}))
    modelled = [tuple(o.config.values()) for o in table if o.trial > 5 and o.trial % 8]
    assert len(set(modelled)) == len(modelled)


def test_the_trials_that_are_spread_evenly_visit_every_part_of_every_range() -> None:
    """They are a share of all trials, and yet as even as a Sobol' sequence of their own."""
    names = ["booster", "x", "y"]
    spec = spec_of({name: {"uniform": [0, 1]} for name in names})
    searcher, draw = search.create(spec), np.random.default_rng(0)
    table = [
        Observation(n, dict(zip(names, map(float, row), strict=True)), "FINISHED", {0: 0.1, 1: float(row[0])})
        for n, row in enumerate(draw.random((12, 3)), start=1)
    ]
    spread = [searcher.propose(number, table) or {} for number in range(16, 257, EVERYWHERE)]
    points = np.array([[config[name] for name in names] for config in spread])
    for column in points.T:
        assert set((column * 8).astype(int)) == set(range(8))
    unstrided = np.array([point(3, 5, number) for number in range(2, 33)])
    assert qmc.discrepancy(points) < 1.5 * qmc.discrepancy(unstrided)
