"""What `promote` does that no other rule does."""

from __future__ import annotations

from typing import Any

from service.policy.observation import Observation
from service.policy.policy import Policy
from service.policy.worth.controls import OPENING
from service.spec import Spec
from service.states import TrialState
from tests.contract.policy import test_rungs as rungs

STAGES = [{"data": 0.1, "epochs": 1}, {"data": 0.5, "epochs": 2}, {"data": 1.0, "epochs": 4}]


def spec_of(**changes: Any) -> Spec:
    return rungs.spec_of("promote", factor=2, **{"stages": STAGES, **changes})


SEEN = 8


def after_some(policy: Policy) -> int:
    """Show some trials, the worst there are, that came to the second rung; returns the number of the next trial."""
    for trial in range(1, SEEN + 1):
        assert policy.judge(trial, 0, -float(trial), 1.0).kind == "pause"
        policy.promoted(trial, 0)
        policy.judge(trial, 1, -float(trial), 10.0)
    return SEEN + 1


def going(policy: Policy) -> list[tuple[int, int]]:
    """(trial, stage that it leaves) of whoever goes on now."""
    rulings = iter(lambda: policy._rungs.promotion(draining=False), None)
    return [(ruling.trial, ruling.stage) for ruling in rulings if ruling is not None]


def test_a_random_control_goes_on_however_bad_it_is_and_no_other_does() -> None:
    policy = Policy(spec_of())
    every = policy.worths.controls.every
    assert every is not None
    trials = range(1, 4 * every + 1)
    verdicts = {trial: policy.judge(trial, 0, -float(trial), 1.0) for trial in trials}
    went_on = [trial for trial, verdict in verdicts.items() if verdict.kind == "continue"]
    assert len(went_on) == 3, "one of each group after the first"
    assert went_on == [trial for trial in trials if trial in policy.worths.controls]
    assert "but it is a random control, which shows what the stages foretell" in verdicts[went_on[0]].reason
    assert {verdict.kind for trial, verdict in verdicts.items() if trial not in went_on} == {"pause"}
    assert policy.judge(went_on[0], 1, -9.0, 1.0).kind == "continue"
    assert all(policy.watch(went_on[0], 2, 2, -1e9) is None for _ in range(9))


def test_a_small_sweep_has_its_best_part_go_on_and_nobody_else() -> None:
    policy = Policy(spec_of())
    verdicts = [policy.judge(trial, 0, -float(trial), 1.0) for trial in range(1, SEEN + 1)]
    assert {verdict.kind for verdict in verdicts} == {"pause"}
    assert f"is rank {SEEN} of {SEEN}" in verdicts[-1].reason
    assert going(policy) == [(trial, 0) for trial in range(1, SEEN // 2 + 1)]


def test_of_equals_the_cheaper_goes_on_first() -> None:
    policy = Policy(spec_of())
    first = after_some(policy)
    for trial, seconds in ((first, 3.0), (first + 1, 1.0), (first + 2, 2.0)):
        assert policy.judge(trial, 0, 0.5, seconds).kind == "pause"
    assert going(policy)[-3:] == [(first + 1, 0), (first + 2, 0), (first, 0)]


def test_the_highest_rung_is_asked_first() -> None:
    policy = Policy(spec_of())
    first = after_some(policy)
    policy.judge(first, 0, 0.5, 1.0)
    waiting = [trial for trial, stage in going(policy) if stage == 1]
    assert waiting == [1, 2, 3, 4], "the better half of those seen wait there"
    policy = Policy(spec_of())
    after_some(policy)
    policy.judge(first, 0, 0.5, 1.0)
    assert [stage for _, stage in going(policy)] == [1, 1, 1, 1, 0]


def test_a_trial_that_is_no_number_is_not_waited_for() -> None:
    policy = Policy(spec_of())
    first = after_some(policy)
    policy.judge(first, 0, 0.5, 1.0)
    policy.judge(first, 0, float("nan"), 1.0)
    assert (first, 0) not in going(policy)


def test_no_curve_is_cut_in_a_stage_that_is_not_known_to_tell() -> None:
    policy = Policy(spec_of())
    for trial in range(1, SEEN + 1):
        assert policy.watch(trial, 2, 2, 0.9) is None
    assert policy.watch(SEEN + 1, 2, 2, 0.1) is None
    for trial in range(1, SEEN + 1):
        policy.judge(trial, 0, float(trial), 1.0)
        policy.judge(trial, 1, float(trial), 9.0)
        policy.judge(trial, 2, float(trial), 90.0)
    verdict = policy.watch(SEEN + 2, 2, 2, 0.1)
    assert verdict is not None
    assert verdict.kind == "stop"


def test_new_trials_and_promoted_ones_skip_a_stage_that_does_not_pay() -> None:
    """The first stage costs as much as the second, which starts anew: no correlation could pay for that."""
    fresh = [STAGES[0], {**STAGES[1], "start": "fresh"}, {**STAGES[2], "start": "fresh"}]
    policy = Policy(spec_of(stages=fresh))
    for trial in range(1, SEEN + 1):
        policy.judge(trial, 0, float(trial), 10.0)
        policy.judge(trial, 1, float(trial), 10.0)
    job = policy.next([])
    assert job is not None
    assert job.skipped == (0,)
    assert job.ruling is not None
    new = Policy(spec_of(stages=fresh))
    for trial in range(1, SEEN + 1):
        new.judge(trial, 0, float(trial), 10.0)
        new.judge(trial, 1, 0.0, 10.0)
        new.promoted(trial, 1)
    job = new.next([])
    assert job is not None
    assert (job.ruling, job.skipped) == (None, (0,))


def test_the_first_trials_of_a_large_sweep_pass_its_first_rung_and_no_further_one() -> None:
    policy = Policy(spec_of(search={"algorithm": "random", "trials": 4000}))
    kinds = [policy.judge(trial, 0, -float(trial), 1.0).kind for trial in range(1, OPENING + 2)]
    assert kinds == ["continue"] * OPENING + ["pause"]
    assert policy.judge(1, 1, -1.0, 10.0).kind == "pause", "they are no controls"


def test_at_the_end_the_best_of_each_rung_is_finished() -> None:
    policy = Policy(rungs.spec_of("promote", factor=4, stages=STAGES))
    for trial in (1, 2, 3):
        for stage in range(3 if trial == 1 else 2):
            if stage:
                policy.promoted(trial, stage - 1)
            policy.judge(trial, stage, float(trial), 1.0)
    assert policy._rungs.promotion(draining=False) is None, "a quarter of three is none"
    rulings = iter(lambda: policy._rungs.promotion(draining=True), None)
    assert [(ruling.trial, ruling.stage) for ruling in rulings if ruling is not None] == [(3, 1)]


def seen(trial: int, stage: int, state: TrialState = "PAUSED") -> Observation:
    """A trial that has ended every stage up to ``stage``."""
    return Observation(trial, {"x": 0.5}, state, values={s: float(trial) for s in range(stage + 1)})


def test_with_a_target_the_best_climbs_before_its_rung_has_enough_others() -> None:
    for target, expected in ((None, None), (0.9, (2, 1))):
        metric = {"name": "score", "goal": "maximize"} | ({} if target is None else {"target": target})
        policy = Policy(rungs.spec_of("promote", factor=4, stages=STAGES, metric=metric))
        for trial in (1, 2):
            policy.judge(trial, 0, float(trial), 1.0)
            policy.promoted(trial, 0)
            policy.judge(trial, 1, float(trial), 1.0)
        table = [seen(1, 1), seen(2, 1)]
        busy = policy.next([*table, seen(3, 1, "RUNNING")])
        assert busy is not None
        assert busy.ruling is None, "one climbs at a time"
        job = policy.next(table)
        assert job is not None
        assert (job.ruling and (job.ruling.trial, job.ruling.stage)) == expected
        if target is not None:
            policy.judge(2, 2, 0.5, 1.0)
            after = policy.next([seen(1, 1), seen(2, 2, "FINISHED")])
            assert after is not None
            assert after.ruling is None, "only who is the best that came there"
