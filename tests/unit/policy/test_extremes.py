"""Searchers, schedulers, worth, narrowing and diagnosis pass tiny, huge and equal values."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import astuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.policy.diagnosis import diagnose
from service.policy.limits import Reached, Usage, ending, left
from service.policy.narrowing.narrow import narrow
from service.policy.search import SEARCHERS
from service.spec import Space, load
from tests.contract.policy.play import Play
from tests.extremes import CURVES, ENDS, FINITE, MIXED
from tests.ray.toys import toy

SPACE = {"lr": {"loguniform": [1e-4, 1.0]}, "width": {"randint": [1, 9]}, "kind": {"choice": ["a", "b"]}}
TINY = [5e-324, 1e-320, 0.0, -0.0, 1e-308] * 2
HUGE = [1.7e308, -1.7e308, 1e308, -1e308] * 3
EQUAL = [0.5] * 10


def play(values: Sequence[float], search: str, schedule: str, goal: str) -> Play:
    grid = {"lr": {"grid_search": [0.1, 0.2, 0.3]}, "width": {"grid_search": [1, 2, 3, 4]}}
    spec = load(
        toy(
            metric={"name": "score", "goal": goal},
            parameters=grid if search == "grid" else SPACE,
            stages=[{"data": 0.1, "epochs": 1}, {"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 1}],
            search={"algorithm": search, "trials": None if search == "grid" else 12, "seed": 1},
            schedule={"algorithm": schedule} if schedule == "fifo" else {"algorithm": schedule, "reduction_factor": 2},
        )
    )
    return Play(spec, lambda trial, stage: values[(trial + stage) % len(values)])


@pytest.mark.parametrize("schedule", ["promote", "asha", "hyperband", "fifo"])
@given(values=CURVES, goal=st.sampled_from(["maximize", "minimize"]))
@example(values=TINY, goal="maximize")
@example(values=HUGE, goal="minimize")
@example(values=EQUAL, goal="maximize")
@settings(max_examples=8)
def test_schedulers_bring_a_sweep_to_its_end(values: list[float], goal: str, schedule: str) -> None:
    played = play(values, "random", schedule, goal).run()
    assert len(played.trials) == 12
    assert set(played.states().values()) <= {"FINISHED", "STOPPED"}
    narrow(Space.parse(SPACE), list(played.trials.values()), goal)


@pytest.mark.parametrize("search", sorted(SEARCHERS))
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
@pytest.mark.parametrize("values", [TINY, HUGE, EQUAL, list(ENDS), [math.inf, 1.0, -math.inf, math.nan, 2.0]], ids=str)
def test_searchers_propose_to_the_end(values: list[float], goal: str, search: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        played = play(values, search, "promote", goal).run()
    assert len(played.trials) == 12
    for trial in played.trials.values():
        assert all(math.isfinite(value) for value in trial.config.values() if isinstance(value, float))


@given(train=MIXED, validation=MIXED)
def test_diagnosis_is_words(train: list[float], validation: list[float]) -> None:
    history = [{"train_loss": a, "val_loss": b} for a, b in zip(train, validation, strict=False)]
    assert isinstance(diagnose(history), str)


@given(seconds=FINITE.map(abs), epochs=FINITE.map(abs), value=FINITE)
def test_budgets_and_targets_are_compared(seconds: float, epochs: float, value: float) -> None:
    spec = load(
        toy(metric={"name": "score", "goal": "maximize", "target": 0.5}, budget={"gpu_hours": 1.0, "time": "1h"})
    )
    used = Usage(seconds, epochs, {}, seconds)
    found = ending(spec, used)
    assert (found is not None) == (seconds >= 3600)
    assert not any(map(math.isnan, astuple(left(spec, used))))
    reached = ending(spec, Usage(seconds, epochs, {1: Reached(value, epochs, False)}))
    assert reached is not None
    assert reached.why.startswith("target 0.5 reached: trial 1")
