"""The parts of the Gaussian process searcher."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from service.policy import search
from service.policy.observation import Observation
from service.policy.search.bayesopt import BELIEVED, EVERYWHERE, MODELLED
from service.policy.search.model.candidates import around
from service.policy.search.model.estimates import estimate
from service.policy.search.model.feasibility import Feasibility
from service.policy.search.model.features import Features
from service.policy.search.model.gaussian_process import GaussianModel, hyperparameters, undisturbed
from service.policy.search.model.trial_arrays import TrialArrays
from service.policy.search.sobol import point
from service.policy.search.untried import Untried
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


def estimated(table: list[Observation], goal: str = "minimize") -> dict[int, tuple[float, float]]:
    """(loss, variance) by trial."""
    trials = TrialArrays(goal, table)
    found = estimate(trials.sound)
    trials = [trials.observations[row].trial for row in found.rows]
    return dict(zip(trials, zip(found.losses, found.variances, strict=True), strict=True))


def test_a_coarse_loss_is_carried_to_the_last_stage_with_its_doubt() -> None:
    both = [observed(t, 0.1 * t, 0.1 * t - 0.5) for t in range(1, 11)]
    found = estimated([*both, observed(11, 0.55)])
    assert found[3][1] == 0.0
    assert found[5][0] < found[11][0] < found[6][0]
    assert 0.0 < found[11][1] < 0.05


def test_a_stage_that_tells_nothing_leaves_its_trials_in_doubt() -> None:
    draw = np.random.default_rng(0)
    table = [observed(t, float(draw.normal()), float(draw.normal())) for t in range(1, 41)]
    loss, variance = estimated([*table, observed(41, -3.0)])[41]
    assert variance > 0.5
    assert loss > -1.5


def test_the_broken_are_no_losses_and_the_goal_turns_the_sign() -> None:
    table = [observed(1, 0.2), observed(2, 0.9), observed(3, math.nan), observed(4, state="FAILED")]
    found = estimated(table, "maximize")
    assert found[2][0] < found[1][0]
    assert set(found) == {1, 2}
    assert list(np.flatnonzero(TrialArrays("maximize", table).bad)) == [2, 3]
    assert estimated([]) == {}
    assert estimated([Observation(1, {}, "RUNNING")]) == {}


@pytest.mark.parametrize(("scale", "zero"), [(2.0**60, 0.0), (2.0**-66, 0.0), (1.0, 1024.0), (2.0**980, 0.0)])
def test_neither_scale_nor_zero_of_the_metric_matter(scale: float, zero: float) -> None:
    plain = [(t**2, *([t**3] if t % 2 else [])) for t in range(1, 12)]
    table = [observed(t, *values) for t, values in enumerate(plain, start=1)]
    other = [observed(t, *(scale * v + zero for v in values)) for t, values in enumerate(plain, start=1)]
    assert estimated(other) == estimated(table)


@pytest.mark.parametrize("huge", [1e200, -1e200, 1.7e308, -1.7e308])
def test_one_value_out_of_all_proportion_hides_nothing(huge: float) -> None:
    """It keeps its place, and the others stay apart."""
    losses = {
        trial: loss
        for trial, (loss, _) in estimated([*(observed(t, t) for t in range(1, 12)), observed(12, huge)]).items()
    }
    ordered = sorted(losses, key=lambda trial: losses[trial])
    assert ordered == ([*range(1, 13)] if huge > 0 else [12, *range(1, 12)])
    assert losses[6] - losses[2] > 0.5


def test_a_few_that_are_better_than_an_even_crowd_are_told_apart() -> None:
    losses = estimated(
        [*(observed(t, 0.9) for t in range(1, 40)), observed(40, 0.5), observed(41, 0.2), observed(42, 1e200)]
    )
    assert losses[41][0] < losses[40][0] < losses[1][0] == losses[39][0] < losses[42][0]


def test_a_history_that_is_kept_is_that_of_a_new_one() -> None:
    """Trials begin, report, fail and, for another table, are gone or come between."""
    kept = TrialArrays("maximize")
    one, two = observed(2, 0.1, state="RUNNING"), observed(3, state="RUNNING")
    three = observed(3, 0.2, 0.3, math.nan)
    for table in ([], [one], [two, one], [one, three], [observed(1, 5.0), one, three], [two], [observed(9, 1.0)]):
        kept.update(table)
        new = TrialArrays("maximize", table)
        assert kept.observations == new.observations
        for mine, other in ((kept.losses, new.losses), (kept.order, new.order)):
            shared = min(mine.shape[1], other.shape[1])
            assert np.array_equal(mine[:, :shared], other[:, :shared], equal_nan=True)
            assert np.isnan(mine[:, shared:]).all()
        assert (kept.bad.tolist(), kept.running.tolist()) == (new.bad.tolist(), new.running.tolist())


def test_where_training_fails_is_told_from_how_well_it_goes() -> None:
    draw = np.random.default_rng(0)
    points = draw.random((60, 2))
    feasible = Feasibility(points[points[:, 0] < 0.5], points[points[:, 0] >= 0.5])
    inside, outside = feasible(np.array([[0.2, 0.5], [0.9, 0.5]]))
    assert inside > 0.9
    assert outside < 0.1
    rare = Feasibility(points[2:], points[:2])
    assert rare(np.array([[5.0, 5.0]]))[0] > 0.8, "far from all it is the usual share"


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


def test_the_cost_of_a_proposal_is_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2 000 trials and 500 that run, one that is new is read; the model holds so many and no more."""
    space = {"x": {"uniform": [0, 1]}, "y": {"uniform": [0, 1]}}
    searcher, draw = search.create(spec_of(space)), np.random.default_rng(0)
    configs = [{"x": float(a), "y": float(b)} for a, b in draw.random((2500, 2))]
    losses = [(c["x"] - 0.3) ** 2 + (c["y"] - 0.6) ** 2 for c in configs[:2000]]
    table = [observed(n, loss + 0.1, loss) for n, loss in enumerate(losses, start=1)]
    table = [Observation(o.trial, c, o.state, o.values, {}, o.order) for o, c in zip(table, configs, strict=False)]
    table += [Observation(n, c, "RUNNING") for n, c in enumerate(configs[2000:], start=2001)]
    config = searcher.propose(2501, table)
    assert config is not None
    sizes, keys = list[int](), list[Any]()
    model, key = GaussianModel.__init__, Untried._key
    monkeypatch.setattr(GaussianModel, "__init__", lambda self, *a: (sizes.append(len(a[1])), model(self, *a))[1])
    monkeypatch.setattr(Untried, "_key", lambda self, config: (keys.append(config), key(self, config))[1])
    searcher.propose(2502, [*table, Observation(2501, config, "RUNNING")])
    assert max(sizes) == MODELLED + BELIEVED
    assert 0 < len(keys) < 20
