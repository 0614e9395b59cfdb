"""The median rule inside a stage."""

from __future__ import annotations

import pytest

from service.policy.schedule.median_rule import FEWEST, MedianRule
from service.spec import Spec, load


def spec_of(goal: str = "maximize") -> Spec:
    return load(
        {
            "name": "a",
            "task": "toy:curve",
            "metric": {"name": "score", "goal": goal},
            "parameters": {"x": {"uniform": [0, 1]}},
            "stages": [{"data": 0.1, "epochs": 4}, {"data": 1.0, "epochs": 8}],
        }
    )


def seen(curves: MedianRule, stage: int, value: float) -> None:
    for trial in range(1, FEWEST + 1):
        for done in range(1, 5):
            assert curves.judge(trial, stage, done, value) is None


@pytest.mark.parametrize(("goal", "bad"), [("maximize", 0.1), ("minimize", 0.9)])
def test_a_curve_below_the_others_median_stops_with_the_numbers(goal: str, bad: float) -> None:
    curves = MedianRule(spec_of(goal))
    seen(curves, 1, 0.5)
    assert curves.judge(9, 1, 1, bad) is None, "too early in the stage"
    verdict = curves.judge(9, 1, 2, bad)
    assert verdict is not None
    assert verdict.kind == "stop"
    assert f"{bad:.6g} is worse than 0.5" in verdict.reason
    assert verdict.numbers["of"] == FEWEST


def test_its_best_value_so_far_counts() -> None:
    curves = MedianRule(spec_of())
    seen(curves, 1, 0.5)
    assert curves.judge(9, 1, 1, 0.6) is None
    assert curves.judge(9, 1, 2, 0.1) is None


def test_curves_of_another_stage_say_nothing() -> None:
    curves = MedianRule(spec_of())
    seen(curves, 0, 0.9)
    assert curves.judge(9, 1, 3, 0.1) is None


def test_few_others_say_nothing() -> None:
    curves = MedianRule(spec_of())
    for trial in range(1, FEWEST):
        curves.judge(trial, 1, 2, 0.5)
    assert curves.judge(9, 1, 2, 0.1) is None


def test_curves_whose_sum_no_float_holds() -> None:
    curves = MedianRule(spec_of())
    seen(curves, 1, -1.7e308)
    assert curves.judge(9, 1, 2, 1.7e308) is None
    assert curves.judge(9, 1, 3, 1.7e308) is None
