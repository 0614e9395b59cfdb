"""What every rule for rungs promises, through the scheduler that Tune sees."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace
from typing import Any

import pytest

from service.policy import schedule
from service.policy.schedule import StagedScheduler
from service.spec import Spec, load

STAGES = [{"data": 0.1, "epochs": 2}, {"data": 0.5, "epochs": 2}, {"data": 1.0, "epochs": 3}]


def spec_of(algorithm: str, **changes: Any) -> Spec:
    raw = {
        "name": "a",
        "task": "toy:curve",
        "metric": {"name": "score", "goal": "maximize"},
        "parameters": {"x": {"uniform": [0, 1]}},
        "stages": STAGES,
        "schedule": {"algorithm": algorithm, "reduction_factor": 3},
    }
    return load(raw | changes)


@pytest.fixture(params=sorted(schedule.RUNGS))
def spec(request: pytest.FixtureRequest) -> Spec:
    return spec_of(str(request.param))


def told(scheduler: StagedScheduler, trial: int, stage: int, value: float | None, end: bool = True) -> str:
    """What Tune hears when `trial` reports."""
    result = {"stage": stage, "sieve/stage_end": end} | ({} if value is None else {"score": value})
    return scheduler.on_trial_result(None, SimpleNamespace(config={"trial": trial}), result)


def reports(seed: int, trials: int = 60) -> list[tuple[int, int, float]]:
    """Stage ends in a random order that respects each trial's own."""
    draw = random.Random(seed)
    position = dict.fromkeys(range(1, trials + 1), 0)
    made = []
    while position:
        trial = draw.choice(list(position))
        made.append((trial, position[trial], draw.random()))
        position[trial] += 1
        if position[trial] == len(STAGES):
            del position[trial]
    return made


def test_verdicts_fall_at_the_ends_of_stages_alone(spec: Spec) -> None:
    scheduler = schedule.create(spec)
    for trial in range(1, 20):
        assert told(scheduler, trial, 0, -float(trial), end=False) == "CONTINUE"


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_never_goes_on(spec: Spec, value: float | None) -> None:
    scheduler = schedule.create(spec)
    assert told(scheduler, 1, 0, value) == "STOP"
    assert "not a number" in scheduler.verdict(1, 0, value).reason


def test_rebuilt_rungs_give_the_same_verdicts(spec: Spec) -> None:
    whole = schedule.create(spec)
    verdicts = [whole.replay(*report) for report in reports(0)]
    for cut in (0, 1, 37, 100):
        rebuilt = schedule.create(spec)
        for report in reports(0)[:cut]:
            rebuilt.replay(*report)
        assert [rebuilt.replay(*report) for report in reports(0)[cut:]] == verdicts[cut:]


def test_every_verdict_has_its_reason_with_the_value(spec: Spec) -> None:
    scheduler = schedule.create(spec)
    for trial, stage, value in reports(1):
        verdict = scheduler.replay(trial, stage, value)
        assert f"{value:.6g}" in verdict.reason
        assert verdict.verdict in ("continue", "stop", "finish")
        assert (verdict.verdict == "finish") == (stage == spec.plan.last)


def test_a_stage_reported_twice_is_not_judged_against_itself(spec: Spec) -> None:
    scheduler = schedule.create(spec)
    first = scheduler.replay(1, 0, 0.5)
    again = scheduler.replay(1, 0, 0.5)
    assert (first.verdict, again.verdict) == ("continue", "continue")


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_asha_lets_about_one_in_the_factor_go_on(goal: str) -> None:
    scheduler = schedule.create(spec_of("asha", metric={"name": "score", "goal": goal}))
    draw = random.Random(0)
    values = {trial: draw.random() for trial in range(1, 301)}
    going = [trial for trial, value in values.items() if scheduler.replay(trial, 0, value).verdict == "continue"]
    assert 80 <= len(going) <= 130
    kept = sum(values[trial] for trial in going) / len(going)
    assert kept > 0.7 if goal == "maximize" else kept < 0.3


def test_asha_compares_values_of_one_stage_alone() -> None:
    """Perfect values at other stages change nothing at this one."""
    scheduler = schedule.create(spec_of("asha"))
    for trial in range(1, 30):
        scheduler.replay(trial, 0, 0.9)
        scheduler.replay(trial, 2, 0.99)
    assert scheduler.replay(100, 1, 0.1).verdict == "continue", "the first at its rung"
    assert scheduler.replay(101, 1, 0.2).verdict == "continue"
    assert scheduler.replay(102, 1, 0.05).verdict == "stop"


@pytest.mark.parametrize("factor", [2, 2.5, 3, 4, 7, 10])
@pytest.mark.parametrize("count", range(2, 9))
def test_every_stage_end_of_any_plan_is_a_rung(factor: float, count: int) -> None:
    """Tune loses rungs to the rounding of a logarithm; on the clock of stages none is lost."""
    stages = [{"data": 1.0, "epochs": 1 + index % 3} for index in range(count)]
    spec = spec_of("asha", stages=stages, schedule={"algorithm": "asha", "reduction_factor": factor})
    scheduler = schedule.create(spec)
    for stage in range(count - 1):
        for trial in range(1, 12):
            scheduler.replay(trial, stage, 0.9)
        assert scheduler.replay(100 + stage, stage, 0.1).verdict == "stop"
