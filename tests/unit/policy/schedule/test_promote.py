"""What `promote` does that no other rule does."""

from __future__ import annotations

from typing import Any

from service.policy.policy import Policy
from service.policy.schedule.promote import CONTROLS
from service.spec import Spec
from tests.contract.policy import test_rungs as rungs

STAGES = [{"data": 0.1, "epochs": 1}, {"data": 0.5, "epochs": 2}, {"data": 1.0, "epochs": 4}]


def spec_of(**changes: Any) -> Spec:
    return rungs.spec_of("promote", factor=2, **{"stages": STAGES, **changes})


def after_controls(policy: Policy) -> int:
    """Show the control trials, the worst there are; returns the number of the next trial."""
    for trial in range(1, CONTROLS + 1):
        assert policy.judge(trial, 0, -float(trial), 1.0).kind == "continue"
        policy.judge(trial, 1, -float(trial), 10.0)
    return CONTROLS + 1


def going(policy: Policy) -> list[tuple[int, int]]:
    """(trial, stage that it leaves) of whoever goes on now."""
    rulings = iter(lambda: policy._rungs.promotion(draining=False), None)
    return [(ruling.trial, ruling.stage) for ruling in rulings if ruling is not None]


def test_the_first_trials_go_on_however_bad_they_are() -> None:
    policy = Policy(spec_of())
    verdicts = [policy.judge(trial, 0, -float(trial), 1.0) for trial in range(1, CONTROLS + 2)]
    assert [verdict.kind for verdict in verdicts] == ["continue"] * CONTROLS + ["pause"]
    assert f"one of the {CONTROLS} that show what this rung is worth" in verdicts[CONTROLS - 1].reason
    assert f"is rank {CONTROLS + 1} of {CONTROLS + 1}" in verdicts[CONTROLS].reason


def test_of_equals_the_cheaper_goes_on_first() -> None:
    policy = Policy(spec_of())
    first = after_controls(policy)
    for trial, seconds in ((first, 3.0), (first + 1, 1.0), (first + 2, 2.0)):
        assert policy.judge(trial, 0, 0.5, seconds).kind == "pause"
    assert going(policy)[-3:] == [(first + 1, 0), (first + 2, 0), (first, 0)]


def test_the_highest_rung_is_asked_first() -> None:
    policy = Policy(spec_of())
    first = after_controls(policy)
    policy.judge(first, 0, 0.5, 1.0)
    waiting = [trial for trial, stage in going(policy) if stage == 1]
    assert waiting == [1, 2, 3, 4], "the better half of the controls wait there"
    policy = Policy(spec_of())
    after_controls(policy)
    policy.judge(first, 0, 0.5, 1.0)
    assert [stage for _, stage in going(policy)] == [1, 1, 1, 1, 0]


def test_a_trial_that_is_no_number_is_not_waited_for() -> None:
    policy = Policy(spec_of())
    first = after_controls(policy)
    policy.judge(first, 0, 0.5, 1.0)
    policy.judge(first, 0, float("nan"), 1.0)
    assert (first, 0) not in going(policy)


def test_no_curve_is_cut_in_a_stage_that_is_not_known_to_tell() -> None:
    policy = Policy(spec_of())
    for trial in range(1, CONTROLS + 1):
        assert policy.watch(trial, 2, 2, 0.9) is None
    assert policy.watch(CONTROLS + 1, 2, 2, 0.1) is None
    for trial in range(1, CONTROLS + 1):
        policy.judge(trial, 0, float(trial), 1.0)
        policy.judge(trial, 1, float(trial), 9.0)
        policy.judge(trial, 2, float(trial), 90.0)
    verdict = policy.watch(CONTROLS + 2, 2, 2, 0.1)
    assert verdict is not None
    assert verdict.kind == "stop"


def test_new_trials_and_promoted_ones_skip_a_stage_that_does_not_pay() -> None:
    """The first stage costs as much as the second, which starts anew: no correlation could pay for that."""
    fresh = [STAGES[0], {**STAGES[1], "start": "fresh"}, {**STAGES[2], "start": "fresh"}]
    policy = Policy(spec_of(stages=fresh))
    for trial in range(1, CONTROLS + 1):
        policy.judge(trial, 0, float(trial), 10.0)
        policy.judge(trial, 1, float(trial), 10.0)
    job = policy.next([])
    assert job is not None
    assert job.skipped == (0,)
    assert job.ruling is not None
    new = Policy(spec_of(stages=fresh))
    for trial in range(1, CONTROLS + 1):
        new.judge(trial, 0, float(trial), 10.0)
        new.judge(trial, 1, 0.0, 10.0)
        new.promoted(trial, 1)
    job = new.next([])
    assert job is not None
    assert (job.ruling, job.skipped) == (None, (0,))
