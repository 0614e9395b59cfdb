"""The pure decisions around searchers and rungs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from service.policy import limits, search
from service.policy.limits import Reached, Usage
from service.policy.observation import Observation, ranking
from service.policy.search.proposal import propose
from service.spec import Spec, load


def spec_of(**changes: Any) -> Spec:
    raw = {
        "name": "a",
        "task": "toy:curve",
        "metric": {"name": "score", "goal": "maximize"},
        "parameters": {"x": {"uniform": [0, 1]}, "y": {"choice": ["p", "q"]}},
        "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 2}],
    }
    return load(raw | changes)


def observed(trial: int, state: str = "STOPPED", **values: float) -> Observation:
    return Observation(trial, {}, state, {int(stage[1:]): value for stage, value in values.items()})


def test_a_later_stage_ranks_before_any_value_of_an_earlier_one() -> None:
    table = [observed(1, s0=0.9), observed(2, s0=0.1, s1=0.2), observed(3, s0=0.8), observed(4, s0=0.1, s1=0.3)]
    assert [o.trial for o in ranking(table, "maximize")] == [4, 2, 1, 3]
    assert [o.trial for o in ranking(table, "minimize")] == [2, 4, 3, 1]


def test_the_broken_rank_last_and_the_running_not_at_all() -> None:
    table = [observed(1, "FAILED"), observed(2, s0=math.nan), observed(3, s0=0.1), observed(4, "RUNNING")]
    assert [o.trial for o in ranking(table, "maximize")] == [3, 2, 1]


def test_initial_points_come_first_and_are_made_whole() -> None:
    spec = spec_of(search={"algorithm": "random", "initial": [{"x": 0.25}, {"y": "q"}]})
    searcher = search.create(spec)
    proposals = [propose(spec, searcher, number, []) for number in (1, 2, 3)]
    configs = [proposal.config for proposal in proposals if proposal]
    assert configs[0]["x"] == 0.25
    assert configs[0]["y"] in ("p", "q")
    assert configs[1]["y"] == "q"
    assert [p.origin for p in proposals if p] == ["initial", "initial", "random"]


@pytest.mark.parametrize(
    ("search_trials", "budget_trials", "expected"), [(10, None, 10), (10, 4, 4), (10, 40, 10), (None, None, 32)]
)
def test_trials_are_capped_by_search_and_budget(search_trials: Any, budget_trials: Any, expected: int) -> None:
    spec = spec_of(search={} if search_trials is None else {"trials": search_trials}, budget={"trials": budget_trials})
    assert limits.max_trials(spec) == expected


@pytest.mark.parametrize(
    ("changes", "usage", "state"),
    [
        ({}, Usage(1e9, 1e9, {}), None),
        ({"budget": {"epochs": 5}}, Usage(0, 4.9, {}), None),
        ({"budget": {"epochs": 5}}, Usage(0, 5.0, {}), "STOPPED"),
        ({"budget": {"time": "2m"}}, Usage(119, 0, {}), None),
        ({"budget": {"time": "2m"}}, Usage(120, 0, {}), "STOPPED"),
        ({"budget": {"gpu_hours": 2}}, Usage(0, 0, {}, 7199), None),
        ({"budget": {"gpu_hours": 2}}, Usage(0, 0, {}, 7200), "STOPPED"),
        ({"metric": {"name": "score", "goal": "maximize", "target": 0.5}}, Usage(0, 0, {}), None),
        (
            {"metric": {"name": "score", "goal": "maximize", "target": 0.5}},
            Usage(0, 0, {7: Reached(0.5, 1, False)}),
            "SUCCEEDED",
        ),
    ],
)
def test_a_sweep_ends_by_target_or_budget(changes: dict[str, Any], usage: Usage, state: str | None) -> None:
    ending = limits.ending(spec_of(**changes), usage)
    assert (ending and ending.state) == state


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (Reached(0.625, 1, stage_end=False), "trial 7 has score 0.625 after 1 epoch of the last stage"),
        (Reached(0.625, 5, stage_end=False), "trial 7 has score 0.625 after 5 epochs of the last stage"),
        (Reached(0.625, 8, stage_end=True), "trial 7 has score 0.625 at the end of the last stage"),
    ],
)
def test_the_end_by_the_target_says_how_far_the_trial_had_come(by: Reached, words: str) -> None:
    spec = spec_of(metric={"name": "score", "goal": "maximize", "target": 0.5})
    assert limits.ending(spec, Usage(0, 0, {7: by})) == limits.Ending("SUCCEEDED", f"target 0.5 reached: {words}")
