"""Narrowing: what the next round keeps, where it reaches farther, and what it leaves alone."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.policy.narrowing.narrow import Change, Narrowed, narrow
from service.policy.observation import Observation
from service.policy.search.random_draw import draw
from service.spec.space.space import Space
from tests.unit.spec.strategies import spaces

Loss = Callable[[Mapping[str, Any]], float]


def trials(space: Space, loss: Loss, count: int = 48, seed: int = 0) -> list[Observation]:
    """Random trials that all ended stage 0 with ``loss``."""
    configs = [space.from_unit(draw(space, seed, number)) for number in range(1, count + 1)]
    return [Observation(i, config, "FINISHED", {0: loss(config)}) for i, config in enumerate(configs, 1)]


def narrowed(raw: Mapping[str, Any], loss: Loss, count: int = 48, seed: int = 0) -> Narrowed:
    space = Space.parse(raw)
    return narrow(space, trials(space, loss, count, seed), "minimize")


def change(raw: Mapping[str, Any], loss: Loss, count: int = 48) -> Change:
    """What becomes of ``x``."""
    return next(c for c in narrowed(raw, loss, count).changes if c.parameter == "x")


def near(target: float, log: bool = False) -> Loss:
    """The distance of ``x`` from ``target``, in decades if ``log``."""
    return lambda config: abs(math.log10(config["x"] / target)) if log else abs(config["x"] - target)


def args(sampler: Mapping[str, Any] | None) -> list[Any]:
    assert sampler is not None
    [(_, found)] = sampler.items()
    return list(found)


def test_a_range_closes_around_the_good_values_on_its_own_scale() -> None:
    found = change({"x": {"loguniform": [1e-4, 1]}}, near(0.02, log=True))
    low, high = args(found.new)
    assert 0.001 <= low < 0.02 < high <= 0.2
    assert [float(f"{bound:.2g}") for bound in (low, high)] == [low, high], "bounds are readable"
    assert found.reason.startswith("the best 12 of 48 lie in 0.00")
    assert found.reason.endswith("; was 0.0001 .. 1")


def test_a_maximum_is_the_other_way_round() -> None:
    space = Space.parse({"x": {"uniform": [0, 1]}})
    table = trials(space, near(0.3))
    assert narrow(space, table, "maximize").space != narrow(space, table, "minimize").space


def test_a_parameter_that_makes_no_difference_stays() -> None:
    found = narrowed({"x": {"uniform": [0, 1]}, "y": {"uniform": [0, 1]}}, near(0.4))
    x, y = found.changes
    assert x.new != x.old
    assert y.new == y.old
    assert "spread like the others (p = 0." in y.reason


def test_an_optimum_in_the_middle_is_found_though_it_moves_no_median() -> None:
    low, high = args(change({"x": {"uniform": [0, 1]}}, near(0.5)).new)
    assert 0.2 <= low < 0.5 < high <= 0.8


@pytest.mark.parametrize(("keep", "good"), [(0.25, 12), (0.5, 24)])
def test_the_share_that_counts_as_good_is_the_callers(keep: float, good: int) -> None:
    space = Space.parse({"x": {"uniform": [0, 1]}})
    [x] = narrow(space, trials(space, near(0.4)), "minimize", keep).changes
    assert x.reason.startswith(f"the best {good} of 48 lie in")


def test_too_few_good_trials_change_nothing() -> None:
    found = narrowed({"x": {"uniform": [0, 1]}}, near(0.4), count=16)
    assert found.space == Space.parse({"x": {"uniform": [0, 1]}})
    assert found.changes[0].reason == "only 4 of 16 trials are good ones, 5 would tell"
    assert narrow(found.space, [], "minimize").changes[0].reason.startswith("only 0 of 0")


def test_failed_trials_are_evidence_and_never_good() -> None:
    space = Space.parse({"x": {"uniform": [0, 1]}})
    table = [
        Observation(o.trial, o.config, "FAILED") if o.config["x"] > 0.3 else o for o in trials(space, lambda _: 0.5)
    ]
    low, high = args(narrow(space, table, "minimize").changes[0].new)
    assert low == 0
    assert high < 0.5


def test_good_values_at_an_end_push_it_out() -> None:
    found = change({"x": {"loguniform": [1e-4, 0.1]}}, near(3.0, log=True))
    low, high = args(found.new)
    assert low > 0.001
    assert 0.1 < high < 1
    assert "at the upper end, so it reaches farther; was 0.0001 .. 0.1" in found.reason


ENDS: list[tuple[dict[str, Any], float, tuple[float, float]]] = [
    ({"uniform": [0, 0.7]}, -9, (0, 0.7)),
    ({"uniform": [0, 1]}, 9, (0, 1)),
    ({"uniform": [0, 0.99]}, 9, (0, 0.995)),
    ({"uniform": [0.1, 2]}, -9, (0.05, 2)),
    ({"uniform": [-2, -1]}, 9, (-2, -0.5)),
    ({"uniform": [0, 5]}, 9, (0, 7)),
    ({"uniform": [-1, 1]}, 9, (-1, 2)),
    ({"loguniform": [1e-4, 1]}, 9, (1e-4, 10)),
    ({"loguniform": [0.5, 0.99]}, 9, (0.5, 0.995)),
    ({"loguniform": [1e-4, 1]}, -9, (1e-6, 1)),
    ({"quniform": [0, 0.9, 0.1]}, 9, (0, 0.9)),
    ({"randint": [1, 9]}, -9, (1, 9)),
    ({"randint": [0, 9]}, -9, (0, 9)),
    ({"randint": [0, 2]}, 9, (0, 2)),
    ({"randint": [-4, 9]}, -9, (-8, 9)),
    ({"lograndint": [16, 257]}, 999, (16, 600)),
    ({"qlograndint": [32, 512, 32]}, -9, (32, 512)),
]


@pytest.mark.parametrize(("sampler", "target", "limits"), ENDS, ids=str)
def test_an_end_that_means_something_is_not_passed(
    sampler: dict[str, Any], target: float, limits: tuple[float, float]
) -> None:
    [low, high, *_] = args(change({"x": sampler}, near(target)).new)
    old_low, old_high, *_ = args(sampler)
    end, old, limit = (high, old_high, limits[1]) if target > 0 else (low, old_low, limits[0])
    assert min(limits) <= low < high <= max(limits)
    assert end == old if limit == old else end != old, "it is cut at neither end where the good ones are"


@pytest.mark.parametrize(
    ("sampler", "target"),
    [({"quniform": [0, 10, 0.5]}, 4), ({"randint": [0, 100]}, 40), ({"qrandint": [0, 100, 5]}, 40)],
)
def test_steps_stay_steps_and_their_upper_bounds_mean_what_they_did(sampler: dict[str, Any], target: float) -> None:
    found = narrowed({"x": sampler}, near(target))
    [before], [after] = Space.parse({"x": sampler}).parameters, found.space.parameters
    assert set(after.sampler.values()) < set(before.sampler.values())
    assert target in after.sampler.values()
    assert after.args[2:] == before.args[2:]


def test_a_normal_distribution_moves_to_the_good_values() -> None:
    mean, sd = args(change({"x": {"randn": [0, 1]}}, near(1.5)).new)
    assert 0.5 < mean < 1.5
    assert 0.25 <= sd < 0.8


def test_a_category_goes_on_evidence_alone() -> None:
    cost = {"good": 0.0, "fair": 0.3, "bad": 5.0}
    found = change({"x": {"choice": list(cost)}, "y": {"uniform": [0, 1]}}, lambda c: cost[c["x"]] + c["y"])
    assert args(found.new) == ["good", "fair"]
    assert found.reason.startswith("'bad' goes, 0 of the ")
    kept = change({"x": {"choice": [1, 2, 3]}, "y": {"uniform": [0, 1]}}, lambda c: c["y"])
    assert kept.new == kept.old


def test_the_best_trials_category_never_goes() -> None:
    space = Space.parse({"x": {"choice": ["a", "b"]}})
    table = [Observation(i, {"x": "a" if i <= 30 else "b"}, "FINISHED", {0: float(i)}) for i in range(1, 61)]
    table.append(Observation(61, {"x": "b"}, "FINISHED", {0: 0.0}))
    assert narrow(space, table, "minimize").space == space


MODELS = {
    "model": {"choice": ["flat", "deep"]},
    "x": {"uniform": [0, 1], "when": {"model": ["deep"]}},
    "rate": {"uniform": [0, 1], "when": {"model": ["flat", "deep"]}},
    "fixed": {"constant": 3, "when": {"model": ["deep"]}},
}


def test_a_conditional_parameter_is_judged_by_the_trials_that_have_it() -> None:
    found = narrowed(MODELS, lambda c: abs(c["x"] - 0.5) if "x" in c else c["rate"] / 4, count=64)
    x = next(c for c in found.changes if c.parameter == "x")
    having = sum("x" in o.config for o in trials(Space.parse(MODELS), lambda _: 0.0, 64))
    assert f"the best {math.ceil(having / 4)} of {having} lie in" in x.reason
    assert found.space.raw()["x"]["when"] == {"model": ["deep"]}


def test_what_a_lost_category_alone_allowed_goes_with_it() -> None:
    found = narrowed(MODELS, lambda c: float("x" in c) + c["rate"] / 9)
    assert found.space.raw() == {
        "model": {"choice": ["flat"]},
        "rate": {"uniform": args(found.changes[2].new), "when": {"model": ["flat"]}},
    }
    gone = {c.parameter: c.reason for c in found.changes if c.new is None}
    assert gone == dict.fromkeys(["x", "fixed"], "applied only beside values that are gone")


def best(table: Sequence[Observation]) -> Mapping[str, Any]:
    return min(table, key=lambda o: (o.values[0], o.trial)).config


@given(space=spaces(), seed=st.integers(0, 99), count=st.integers(1, 60), keep=st.floats(0.05, 0.95))
@settings(max_examples=60)
def test_every_narrowed_space_is_a_space_that_holds_the_best_trial(
    space: Space, seed: int, count: int, keep: float
) -> None:
    weights = draw(space, seed + 1, 1)

    def loss(config: Mapping[str, Any]) -> float:
        units = space.to_unit(config)
        return sum(w * abs(u - w) for u, w in zip(units, weights, strict=True) if u is not None)

    table = trials(space, loss, count, seed)
    found = narrow(space, table, "minimize", keep)
    assert Space.parse(json.loads(json.dumps(found.space.raw()))) == found.space
    assert found == narrow(space, list(reversed(table)), "minimize", keep)
    known = {p.name for p in found.space.parameters}
    found.space.to_unit({name: value for name, value in best(table).items() if name in known})
    assert {p.name for p in found.space.active(best(table))} == {p.name for p in space.active(best(table))}
