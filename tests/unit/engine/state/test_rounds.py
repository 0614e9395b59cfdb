"""Which space and stages each round has, with narrowings undone or not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from service.engine.state.rounds import goes_on, opening, spec_of_round
from service.ledger.records import SpaceRecord
from service.policy.observation import Observation
from service.spec import Spec, load

WIDE = {"x": {"uniform": [0.0, 1.0]}, "fixed": 3}
RAW: dict[str, Any] = {
    "name": "a",
    "task": "toy:curve",
    "metric": {"name": "score", "goal": "minimize"},
    "parameters": WIDE,
    "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 2}],
    "search": {"algorithm": "random", "trials": 40, "initial": [{"x": 0.9}]},
    "rounds": {"count": 4, "trials": 10, "stages": [[{"data": 1.0, "epochs": 5}]]},
}


def spec(**changes: Any) -> Spec:
    return load(RAW | changes)


def table(target: float, low: float = 0.0, high: float = 1.0) -> list[Observation]:
    """Forty trials over the range, the better the nearer to ``target``."""
    values = [low + (high - low) * i / 39 for i in range(40)]
    return [Observation(i, {"x": x, "fixed": 3}, "FINISHED", {0: abs(x - target)}) for i, x in enumerate(values, 1)]


def opened(round: int, spaces: Sequence[SpaceRecord], trials: Sequence[Observation]) -> SpaceRecord:
    space = opening(spec(), round, spaces, trials, time=float(round))
    assert space is not None
    assert json.loads(json.dumps(space.parameters)) == space.parameters
    return space


def test_the_first_round_is_the_spec_as_written() -> None:
    assert spec_of_round(spec(), 0, [], 0) == spec().at(0)
    assert spec_of_round(spec(rounds={}), 0, [], 0) == spec(rounds={})


def test_a_later_round_has_its_stages_and_trials_its_space_and_what_is_left() -> None:
    narrowed = opened(1, [], table(0.4))
    then = spec_of_round(spec(budget={"trials": 48}), 1, [narrowed], 41)
    assert [stage.epochs for stage in then.stages] == [5]
    assert (then.search.trials, then.search.initial, then.rounds.count) == (10, (), 1)
    assert then.budget.trials == 7
    assert then.parameters == narrowed.parameters
    low, high = then.parameters["x"]["uniform"]
    assert 0.1 < low < 0.4 < high < 0.7
    assert then.parameters["fixed"] == 3


def test_a_space_that_is_there_is_not_made_again() -> None:
    assert opening(spec(), 1, [opened(1, [], table(0.4))], table(0.9), 9.0) is None


def test_each_round_narrows_the_space_of_the_one_before() -> None:
    first = opened(1, [], table(0.4))
    low, high = first.parameters["x"]["uniform"]
    second = opened(2, [first], table(0.4, low, high))
    assert second.reasons[0]["from"] == {"uniform": [low, high]}
    assert low < second.parameters["x"]["uniform"][0] < second.parameters["x"]["uniform"][1] < high


@pytest.mark.parametrize(
    ("round", "made", "trials", "goes"),
    [(0, 40, 40, True), (3, 40, 40, False), (0, 48, 40, False), (0, 40, 0, False)],
    ids=["on", "that was the last", "the budget is used", "nothing was measured"],
)
def test_when_another_round_follows(round: int, made: int, trials: int, goes: bool) -> None:
    assert goes_on(spec(budget={"trials": 48}), round, made, table(0.4)[:trials]) is goes


def test_an_undone_narrowing_gives_the_space_before_it_to_the_next_round() -> None:
    undone = replace(opened(1, [], table(0.4)), undone=True)
    again = opened(1, [undone], table(0.4))
    assert (again.parameters, again.reasons) == (spec().parameters, [])
    assert opening(spec(), 1, [undone, again], table(0.4), 9.0) is None
    assert spec_of_round(spec(), 1, [undone, again], 40).parameters == spec().parameters
    assert opened(2, [undone, again], table(0.4)).reasons != [], "the round after narrows again"


def test_a_round_that_has_begun_keeps_its_space_though_it_is_undone() -> None:
    first = opened(1, [], table(0.4))
    second = replace(opened(2, [first], table(0.4)), undone=True)
    assert spec_of_round(spec(), 2, [first, second], 50).parameters == second.parameters
    assert opened(3, [first, second], table(0.4)).parameters == first.parameters
    both = [replace(first, undone=True), second]
    assert opened(3, both, table(0.4)).parameters == spec().parameters
