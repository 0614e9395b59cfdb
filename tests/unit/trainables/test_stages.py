"""The ladder as data: what a trial that skips stages trains and costs."""

from __future__ import annotations

import pickle

import pytest

from trainables.stages import Plan, PlanError, Stage

PLAN = Plan((Stage(0.1, 2), Stage(0.2, 3), Stage(0.5, 10, start="fresh"), Stage(1.0, 4)))


@pytest.mark.parametrize(
    ("skipped", "trained"),
    [
        ((), [(0, 0, 0.2), (1, 2, 0.8), (2, 0, 5.8), (3, 10, 9.8)]),
        ((0,), [(1, 0, 0.6), (2, 0, 5.6), (3, 10, 9.6)]),
        ((1,), [(0, 0, 0.2), (2, 0, 5.2), (3, 10, 9.2)]),
        ((2,), [(0, 0, 0.2), (1, 2, 0.8), (3, 0, 4.8)]),
        ((0, 1, 2), [(3, 0, 4.0)]),
    ],
)
def test_what_is_trained_and_what_it_costs(skipped: tuple[int, ...], trained: list[tuple[int, int, float]]) -> None:
    plan, stage, seen = PLAN.without(skipped), -1, []
    while stage < plan.last:
        stage = plan.next(stage)
        seen.append((stage, plan.first_epoch(stage), plan.budget(stage, plan[stage].epochs)))
    assert seen == [(stage, first, pytest.approx(budget)) for stage, first, budget in trained]


def test_climbs_go_from_one_fresh_start_to_the_next() -> None:
    assert PLAN.climbs == [range(2), range(2, 4)]
    assert PLAN.without([0, 2]).climbs == [range(1, 2), range(3, 4)]
    assert PLAN.without([0, 1]).climbs == [range(2, 4)]


def test_skipping_adds_up() -> None:
    assert PLAN.without([1]).without((0, 1)) == PLAN.without((0, 1))
    assert PLAN.without([1]).stages == PLAN.stages


@pytest.mark.parametrize("skipped", [[3], [-1], [4]])
def test_the_last_stage_is_never_skipped(skipped: list[int]) -> None:
    with pytest.raises(PlanError, match="cannot skip stages"):
        PLAN.without(skipped)


def test_an_error_of_a_plan_has_message_and_cure_and_survives_a_process() -> None:
    with pytest.raises(PlanError) as caught:
        Plan((Stage(0.5, 1), Stage(0.1, 4)))
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.index, error.field) == (1, "data")
    assert (error.message, error.cure) == ("data fractions never fall: 0.1 after 0.5", "use >= 0.5")
    assert str(error) == "data fractions never fall: 0.1 after 0.5; use >= 0.5"
