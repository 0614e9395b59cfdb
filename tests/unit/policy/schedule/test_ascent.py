"""What is left of a budget, and who can still come to the end within it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from service.policy.limits import UNLIMITED, Left, Usage, left
from service.policy.observation import Observation
from service.policy.policy import Policy
from service.policy.schedule.ascent import Ascent
from tests.contract.policy import test_rungs as rungs

STAGES = [{"data": 0.1, "epochs": 1}, {"data": 0.5, "epochs": 2}, {"data": 1.0, "epochs": 4}]


def spec_of(**changes: Any) -> Any:
    return rungs.spec_of("promote", factor=4, **{"stages": STAGES, **changes})


@pytest.mark.parametrize(
    ("left", "stages"),
    [
        (UNLIMITED, [1, 0, -1]),
        (Left(seconds=61.0), [1, 0, -1]),
        (Left(seconds=60.9), [1, 0]),
        (Left(seconds=49.0), [1]),
        (Left(seconds=39.0), []),
        (Left(epochs=5.1), [1, 0, -1]),
        (Left(epochs=5.0), [1, 0]),
        (Left(epochs=4.9), [1]),
    ],
)
def test_a_trial_needs_the_stages_above_it(left: Left, stages: list[int]) -> None:
    ascent = Ascent(spec_of())
    for seconds in (1.0, 1.0, 900.0):
        ascent.observe(0, seconds)
    ascent.observe(1, 20.0)
    ascent.observe(2, 40.0)
    assert ascent.within(left, [], ()) == stages


def test_a_stage_that_nobody_has_seen_lasts_as_long_for_its_work() -> None:
    ascent = Ascent(spec_of())
    ascent.observe(0, 10.0)
    assert ascent.within(Left(seconds=400.0), [], ()) == [1]
    assert ascent.within(Left(seconds=510.0), [], ()) == [1, 0, -1]
    assert ascent.within(Left(seconds=400.0), [], (0, 1)) == [1, 0, -1], "all go straight to the last stage"


def test_what_trains_now_uses_work_too() -> None:
    ascent = Ascent(spec_of())
    running = [Observation(trial, {}, "RUNNING", {0: 1.0}) for trial in (1, 2)]
    assert ascent.within(Left(epochs=5.0), running, ()) == []
    assert ascent.within(Left(epochs=6.0), running, ()) == [1]
    assert ascent.within(Left(epochs=6.0), [], ()) == [1, 0, -1]


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({}, Left()),
        ({"time": 100}, Left(seconds=70.0)),
        ({"epochs": 10}, Left(epochs=6.0)),
        ({"gpu_hours": 2}, Left(epochs=4.0)),
    ],
)
def test_what_is_left_of_each_budget(budget: dict[str, Any], expected: Left) -> None:
    found = left(spec_of(budget=budget), Usage(30.0, 4.0, {}, 3600.0))
    assert (found.seconds, found.epochs) == (expected.seconds, pytest.approx(expected.epochs))


def test_before_anything_has_trained_gpu_hours_limit_nothing() -> None:
    assert left(spec_of(budget={"gpu_hours": 2}), Usage(0.0, 0.0, {}, 0.0)).epochs == math.inf


LATE, EARLY = Left(seconds=50.5), Left(seconds=100.0)


def promoted(policy: Policy, left: Left) -> list[int]:
    """Whom free slots take until a new trial begins, where trials 1 to 6 wait, the last ones the best."""
    table = [Observation(trial, {"x": trial / 10}, "PAUSED", {0: float(trial)}) for trial in range(1, 7)]
    jobs = iter(lambda: policy.next(table, left), None)
    taken = iter(lambda: next(job.ruling for job in jobs), None)
    return [ruling.trial for ruling in taken if ruling is not None]


def waiting() -> Policy:
    policy = Policy(spec_of())
    for trial in range(1, 7):
        assert policy.judge(trial, 0, float(trial), 1.0).kind == "pause"
    return policy


@pytest.mark.parametrize(("left", "expected"), [(UNLIMITED, [6]), (EARLY, [6]), (LATE, [6, 5, 4])])
def test_the_better_half_of_those_that_wait_is_finished_where_no_new_trial_could_be(
    left: Left, expected: list[int]
) -> None:
    assert promoted(waiting(), left) == expected


@pytest.mark.parametrize(("left", "expected"), [(UNLIMITED, [6]), (EARLY, [6, 5, 4])])
def test_it_goes_on_where_nothing_is_decided_unless_trials_are_all_that_is_counted(
    left: Left, expected: list[int]
) -> None:
    policy = waiting()
    policy.worths.decides = lambda stage: stage > 0  # type: ignore[method-assign]
    assert promoted(policy, left) == expected
