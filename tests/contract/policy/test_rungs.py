"""What every rule for rungs promises, as heads and simulations use it."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from service.policy import schedule
from service.policy.policy import Policy
from service.spec import Spec, load
from tests.contract.policy.play import Play, seconds

STAGES = [{"data": 0.1, "epochs": 1}, {"data": 0.5, "epochs": 2}, {"data": 1.0, "epochs": 3}]
ALGORITHMS = sorted(schedule.SCHEDULERS)


def spec_of(algorithm: str, trials: int = 40, factor: float = 3, **changes: Any) -> Spec:
    raw = {
        "name": "a",
        "task": "toy:curve",
        "metric": {"name": "score", "goal": "maximize"},
        "parameters": {"x": {"uniform": [0, 1]}},
        "stages": STAGES,
        "search": {"algorithm": "random", "trials": trials},
        "schedule": {"algorithm": algorithm, "reduction_factor": factor},
    }
    return load(raw | changes)


@pytest.fixture(params=ALGORITHMS)
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def drawn(trial: int, stage: int) -> float:
    return float(random.Random(f"{trial} {stage}").randrange(10**6))


def telling(trial: int, stage: int) -> float:
    """Early values that foretell the later ones well."""
    return 10 * drawn(trial, 99) + drawn(trial, stage)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("stage", [0, 1, 2])
def test_what_is_not_a_number_never_goes_on(algorithm: str, stage: int, value: float | None) -> None:
    policy = Policy(spec_of(algorithm))
    policy.begin(1)
    for before in range(stage):
        policy.judge(1, before, 0.5, 1.0)
        policy.promoted(1, before)
    verdict = policy.judge(1, stage, value, 1.0)
    assert verdict.kind == "stop"
    assert f"{value}, not a number" in verdict.reason
    assert not policy.dismissals(over=True), "it has ended already"


@pytest.mark.parametrize("failures", [0.0, 0.2])
@pytest.mark.parametrize("workers", [1, 5])
def test_every_trial_has_exactly_one_end(algorithm: str, workers: int, failures: float) -> None:
    play = Play(spec_of(algorithm, trials=60), telling, workers=workers, failures=failures).run()
    ends = [event.trial for event in play.log if event.kind in ("finish", "stop", "halt", "dismiss", "fail")]
    assert sorted(ends) == list(range(1, 61))
    assert set(play.states().values()) <= {"FINISHED", "STOPPED", "FAILED"}
    promoted = {(event.trial, event.stage) for event in play.log if event.kind == "promote"}
    dismissed = {(event.trial, event.stage) for event in play.log if event.kind in ("dismiss", "stop")}
    assert not promoted & dismissed


def test_every_verdict_has_its_reason_with_the_value(algorithm: str) -> None:
    play = Play(spec_of(algorithm, trials=60), drawn).run()
    for event in play.log:
        if event.kind in ("begin", "fail", "report"):
            continue
        assert event.kind == "finish" or f"stage {event.stage}" in event.reason
        if event.kind != "halt":
            assert f"{event.value:.6g}" in event.reason
            assert (event.kind == "finish") == (event.stage == 2)


@pytest.mark.parametrize("trials", [1, 2, 3, 5, 8, 16, 23])
@pytest.mark.parametrize("factor", [2, 3, 4, 7])
def test_some_trial_always_gets_to_the_last_stage(algorithm: str, trials: int, factor: float) -> None:
    for workers in (1, 8):
        assert Play(spec_of(algorithm, trials, factor), drawn, workers=workers).run().reached(2)


@pytest.mark.parametrize("failures", [0.0, 0.15])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_rebuilt_policy_goes_on_as_the_old_one(algorithm: str, workers: int, failures: float) -> None:
    """Whatever was recorded when the head died: the same verdicts, promotions, proposals and ends follow."""
    spec = spec_of(algorithm, trials=50)
    whole = Play(spec, telling, workers=workers, failures=failures).run()
    for cut in (1, 60, len(whole.log) // 2, len(whole.log) - 3):
        cut_off = Play(spec, telling, workers=workers, failures=failures).run(cut)
        again = cut_off.rebuilt().run()
        assert again.log == whole.log
        assert again.states() == whole.states()


def test_a_thousand_reports_in_any_order(algorithm: str) -> None:
    """Trials of which the rule knows nothing but their reports: each gets a verdict, none twice at a rung."""
    policy, draw = Policy(spec_of(algorithm, trials=1000)), random.Random(1)
    position, begun, judged = {1: 0}, 1, 0
    policy.begin(1)
    while judged < 1000:
        trial = draw.choice(list(position))
        verdict = policy.judge(trial, position[trial], draw.random(), 1.0)
        judged += 1
        position[trial] += 1
        if verdict.kind != "continue":
            del position[trial]
        position.update({ruling.trial: ruling.stage + 1 for ruling in iter(lambda: promotion(policy), None)})
        for ruling in policy.dismissals():
            assert ruling.trial not in position
        while len(position) < 5:
            begun += 1
            policy.begin(begun)
            position[begun] = 0


def promotion(policy: Policy) -> Any:
    return policy._rungs.promotion(draining=False)


def test_a_stage_reported_twice_is_not_judged_against_itself(algorithm: str) -> None:
    policy = Policy(spec_of(algorithm))
    policy.begin(1)
    first, again = policy.judge(1, 0, 0.5, 1.0), policy.judge(1, 0, 0.5, 1.0)
    assert first.kind == again.kind != "stop"
    assert again.numbers.get("of", 1) == 1


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_values_are_compared_at_their_own_rung_alone(algorithm: str, goal: str) -> None:
    """Values that lie elsewhere at every stage, in the same order, change nothing."""
    spec = spec_of(algorithm, metric={"name": "score", "goal": goal})
    plain = Play(spec, telling).run()
    for offsets in ((0.0, 1e8, 2e8), (0.0, -1e8, -2e8)):
        moved = Play(spec, lambda trial, stage, by=offsets: telling(trial, stage) + by[stage]).run()
        assert [(e.kind, e.trial, e.stage) for e in moved.log] == [(e.kind, e.trial, e.stage) for e in plain.log]


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
@pytest.mark.parametrize("halver", ["asha", "hyperband", "promote"])
def test_the_better_ones_go_on_and_most_do_not(halver: str, goal: str) -> None:
    spec = spec_of(halver, trials=300, metric={"name": "score", "goal": goal})
    play = Play(spec, telling).run()
    values = {trial: telling(trial, 99) for trial in play.trials}
    ahead = sorted(values, key=lambda trial: values[trial], reverse=goal == "maximize")
    finished = play.reached(2)
    assert len(finished) < 120
    best, rest = set(ahead[:30]) & set(finished), set(ahead[-150:]) & set(finished)
    assert len(best) > 10
    assert len(best) / 30 > 3 * len(rest) / 150


def test_trials_that_failed_are_not_waited_for(algorithm: str) -> None:
    policy = Policy(spec_of(algorithm, trials=9))
    for trial in range(1, 10):
        policy.begin(trial)
    for trial in range(2, 10):
        policy.judge(trial, 0, float(trial), seconds(trial, 0))
    policy.drop(1)
    going = [ruling.trial for ruling in iter(lambda: promotion(policy), None)]
    assert going == sorted(going, reverse=True)
    if algorithm == "hyperband":
        assert going == [9, 8, 7]
        assert sorted(ruling.trial for ruling in policy.dismissals()) == [2, 3, 4, 5, 6]


def test_asha_compares_with_those_before() -> None:
    policy = Policy(spec_of("asha"))
    for trial in range(1, 30):
        policy.judge(trial, 0, 0.9, 1.0)
        policy.judge(trial, 2, 0.99, 1.0)
    assert policy.judge(100, 1, 0.1, 1.0).kind == "continue", "the first at its rung"
    assert policy.judge(101, 1, 0.2, 1.0).kind == "continue"
    assert policy.judge(102, 1, 0.05, 1.0).kind == "stop"


@pytest.mark.parametrize("factor", [2, 2.5, 3, 4, 7, 10])
@pytest.mark.parametrize("count", range(2, 9))
def test_every_stage_end_of_any_plan_is_a_rung_of_asha(factor: float, count: int) -> None:
    """Tune loses rungs to the rounding of a logarithm; on the clock of stages none is lost."""
    policy = Policy(spec_of("asha", factor=factor, stages=_many(count)))
    for stage in range(count - 1):
        for trial in range(1, 12):
            policy.judge(trial, stage, 0.9, 1.0)
        assert policy.judge(100 + stage, stage, 0.1, 1.0).kind == "stop"


@pytest.mark.parametrize("factor", [2, 2.5, 3, 4])
@pytest.mark.parametrize("count", range(2, 6))
def test_hyperband_halves_each_bracket_at_each_of_its_rungs(factor: float, count: int) -> None:
    """The first bracket has a rung at every stage end, the next one fewer; each keeps one in the factor, rounded up."""
    last = count - 1
    sizes = [math.ceil(count / (halvings + 1) * factor**halvings) for halvings in range(last, -1, -1)]
    spec = spec_of("hyperband", sum(sizes), factor, stages=_many(count))
    play = Play(spec, telling, workers=3).run()
    first = 1
    for index, size in enumerate(sizes):
        members = set(range(first, first + size))
        expected = size
        for stage in range(last):
            there = members & set(play.reached(stage))
            assert len(there) == expected
            if stage >= index:
                expected = math.ceil(expected / factor - 1e-9)
                goes = members & set(play.reached(stage + 1))
                assert goes == set(sorted(there, key=lambda trial: -telling(trial, stage))[:expected])
        first += size


def test_hyperband_halves_a_few_trials_too() -> None:
    """Tune itself would let all of them go on: its brackets count on being full."""
    play = Play(spec_of("hyperband", trials=4, factor=4), telling).run()
    assert [len(play.reached(stage)) for stage in range(3)] == [4, 1, 1]
    dismissed = [event for event in play.log if event.kind == "dismiss"]
    assert all("bracket 1, the best 1 go on" in event.reason for event in dismissed)
    assert sorted(event.numbers["rank"] for event in dismissed) == [2, 3, 4]


def test_hyperband_prefers_the_older_of_equals() -> None:
    play = Play(spec_of("hyperband", trials=9), lambda trial, stage: 1.0).run()
    assert play.reached(1) == [1, 2, 3]
    assert play.reached(2) == [1]


def test_hyperband_counts_a_winner_that_failed_since() -> None:
    """A new head is told of the losses last: of one that a rung had not to wait for, and of one that had won there."""
    policy = Policy(spec_of("hyperband", trials=9))
    for trial in range(1, 10):
        policy.begin(trial)
    for trial in range(1, 9):
        policy.judge(trial, 0, float(trial), 1.0)
    policy.promoted(8, 0)
    policy.drop(8)
    policy.drop(9)
    assert [ruling.trial for ruling in iter(lambda: promotion(policy), None)] == [7, 6]
    assert [ruling.trial for ruling in policy.dismissals()] == [1, 2, 3, 4, 5]


def test_hyperband_tells_why_a_trial_waits_or_does_not() -> None:
    policy = Policy(spec_of("hyperband", trials=14))
    reasons = []
    for trial in (1, 10):
        for begun in range(trial, trial + 9 if trial == 1 else 15):
            policy.begin(begun)
        reasons.append(policy.judge(trial, 0, 0.25, 1.0).reason)
    assert reasons == [
        "waits after stage 0: score 0.25 is rank 1 of 1 in bracket 1, which is halved when 9 have come",
        "goes on after stage 0: score 0.25 is rank 1 of 1 in bracket 2, which is not halved before stage 1 ends",
    ]


def _many(count: int) -> list[dict[str, Any]]:
    return [{"data": 1.0, "epochs": 1 + index % 3} for index in range(count)]
