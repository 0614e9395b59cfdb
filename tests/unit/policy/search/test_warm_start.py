"""What a searcher learns from other sweeps: as much as they agree with this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from service.policy.observation import Observation
from service.policy.policy import Policy
from service.policy.search.warm_start.first_trials import openings
from service.policy.search.warm_start.past import Past, coordinates
from service.policy.search.warm_start.past_model import PastModel
from service.spec import Space, Spec, load

WIDE = {f"x{i}": {"uniform": [0, 1]} for i in range(4)} | {"kind": {"choice": ["p", "q", "r"]}}
OFFSET = {"p": 0.0, "q": 0.1, "r": 0.3}


def spec_of(seed: int = 0, parameters: Any = WIDE, **search: Any) -> Spec:
    return load(
        {
            "name": "new",
            "task": "toy:curve",
            "metric": {"name": "loss", "goal": "minimize"},
            "parameters": parameters,
            "stages": [{"data": 1.0, "epochs": 1}],
            "search": {"algorithm": "hyperopt", "seed": seed, "trials": 40, **search},
        }
    )


def loss(config: Mapping[str, Any]) -> float:
    return sum((config[f"x{i}"] - 0.2 - 0.15 * i) ** 2 for i in range(4)) + OFFSET[config["kind"]]


def past(seed: int, sign: float = 1.0, trials: int = 40) -> Past:
    """Random configs with their losses, or with the opposite of them."""
    draw, space = np.random.default_rng(seed), spec_of().space
    configs = [space.from_unit(list(draw.random(space.dimension))) for _ in range(trials)]
    told = [Observation(n, c, "FINISHED", {0: sign * loss(c)}) for n, c in enumerate(configs, start=1)]
    return Past("old", told, "minimize")


def go(spec: Spec, pasts: Sequence[Past], trials: int) -> list[Observation]:
    policy, table = Policy(spec, lessons=pasts), list[Observation]()
    for number in range(1, trials + 1):
        job = policy.next(table)
        assert job is not None
        assert job.config is not None
        table.append(Observation(number, job.config, "FINISHED", {0: loss(job.config)}))
    return table


def best(table: Sequence[Observation], trials: int) -> float:
    return min(o.values[0] for o in table[:trials])


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"lr": 0.01, "layers": 2, "kind": "a", "extra": 7}, {"lr": 0.5, "layers": 0.5, "kind": 0.25}),
        ({"lr": 1.2}, {"lr": 1.0}),  # just outside: taken for the bound
        ({"lr": 100.0, "layers": 2}, None),  # far outside
        ({"lr": -1.0}, None),
        ({"lr": "high"}, None),
        ({"kind": "c"}, None),
        ({"layers": 4}, None),
        ({"kind": "b", "momentum": 0.5}, {"kind": 0.75, "momentum": 0.5}),
        ({"kind": "a", "momentum": 0.5}, {"kind": 0.25}),  # does not apply here
        ({"other": 1}, {}),
    ],
)
def test_configs_from_elsewhere_find_their_place_by_common_names(config: Any, expected: Any) -> None:
    space = Space.parse(
        {
            "lr": {"loguniform": [1e-4, 1.0]},
            "layers": {"randint": [1, 4]},
            "kind": {"choice": ["a", "b"]},
            "momentum": {"uniform": [0.0, 1.0], "when": {"kind": ["b"]}},
        }
    )
    found = coordinates(space, config)
    assert found == (None if expected is None else pytest.approx(expected))


def test_the_first_trials_are_the_best_of_each_past_in_turn() -> None:
    told = [
        Observation(1, {"x": 0.5, "gone": 1}, "FINISHED", {0: 0.3}),
        Observation(2, {"x": 0.1, "gone": 1}, "FINISHED", {0: 0.1}),
        Observation(3, {"x": 0.101, "gone": 1}, "FINISHED", {0: 0.11}),  # all but the same
        Observation(4, {"x": 0.9, "gone": 1}, "FAILED"),
    ]
    pasts = [Past("a", told, "minimize"), Past("b", told, "maximize")]
    parameters = {"x": {"uniform": [0, 1]}, "y": {"uniform": [0, 1]}}
    spec = spec_of(parameters=parameters, initial=[{"x": 0.7}], warm_start=["a", "b"], algorithm="random", trials=14)
    policy, table, seen = Policy(spec, lessons=pasts), list[Observation](), []
    for number in range(1, 7):
        job = policy.next(table)
        assert job is not None
        assert job.config is not None
        assert 0 <= job.config["y"] <= 1
        seen.append((job.origin, round(job.config["x"], 3)))
        table.append(Observation(number, job.config, "RUNNING"))
    assert seen[:4] == [("initial", 0.7), ("warm:a", 0.1), ("warm:b", 0.5), ("warm:a", 0.5)]
    assert [origin for origin, _ in seen[4:]] == ["random"] * 2  # three are a quarter of 14


def test_what_failed_elsewhere_is_not_tried_again_first() -> None:
    told = [Observation(1, {"x": 0.5}, "FINISHED", {0: 0.3}), Observation(2, {"x": 0.9}, "FAILED")]
    spec = spec_of(parameters={"x": {"uniform": [0, 1]}}, warm_start=["a"])
    lesson = PastModel(Past("a", told, "minimize"), spec)
    assert openings(spec, [lesson]) == [("a", {"x": 0.5})]


def test_earlier_rounds_are_no_first_trials() -> None:
    job = Policy(spec_of(), lessons=[past(0)]).next([])
    assert job is not None
    assert job.origin == "hyperopt"


def test_a_truthful_past_pays_at_once() -> None:
    with_past = [best(go(spec_of(seed, warm_start=["old"]), [past(seed)], 12), 12) for seed in range(4)]
    without = [best(go(spec_of(seed), [], 12), 12) for seed in range(4)]
    assert np.mean(with_past) < 0.7 * np.mean(without)


def test_a_past_that_says_the_opposite_is_soon_ignored_and_does_no_harm() -> None:
    weights, with_past, without = [], [], []
    for seed in range(4):
        spec, lie = spec_of(seed, warm_start=["old"]), past(seed, -1.0)
        table = go(spec, [lie], 40)
        weights.append([PastModel(lie, spec).weight(table[:n]) for n in (0, 12, 40)])
        with_past.append(best(table, 40))
        without.append(best(go(spec_of(seed), [], 40), 40))
    assert all(before > 0.3 and soon < 0.05 and late < 0.05 for before, soon, late in weights)
    assert np.mean(with_past) < 1.5 * np.mean(without)


def test_what_a_past_predicts_is_low_where_it_was_good() -> None:
    spec = spec_of()
    lesson = PastModel(past(1, trials=80), spec)
    good, bad = ([0.2, 0.35, 0.5, 0.65, 0.1], [0.95, 0.95, 0.05, 0.05, 0.9])
    prior = lesson.prior(np.array([good, bad]))
    assert prior.shape == (2,)
    assert prior[0] < -0.4
    assert prior[1] > 0.4
    agrees = [Observation(n, c, "FINISHED", {0: loss(c)}) for n, c in enumerate(_configs(2, 20), start=1)]
    assert lesson.weight(agrees) > 0.5
    assert lesson.weight([]) == pytest.approx(0.5)


def test_a_past_of_one_trial_predicts_nothing() -> None:
    lesson = PastModel(past(1, trials=1), spec_of())
    assert lesson.weight([]) == 0.0
    assert lesson.prior(np.zeros((3, 5))).tolist() == [0.0, 0.0, 0.0]


def test_a_rebuilt_policy_proposes_the_same() -> None:
    spec, pasts = spec_of(3, warm_start=["old"]), [past(3)]
    table = go(spec, pasts, 24)
    for cut in (2, 9, 20):
        job = Policy(spec, lessons=pasts).next(table[:cut])
        assert job is not None
        assert job.config == table[cut].config


def _configs(seed: int, count: int) -> list[dict[str, Any]]:
    draw, space = np.random.default_rng(seed), spec_of().space
    return [space.from_unit(list(draw.random(space.dimension))) for _ in range(count)]
