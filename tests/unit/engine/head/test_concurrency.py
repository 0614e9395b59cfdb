"""Who gives a place up when orders leave fewer than there are trials."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from service.engine.head.resources.concurrency import Concurrency
from service.ledger.ledger import Needs, Orders


class Trials:
    """A journal of trials by number, each RUNNING, and the positions of their newest reports."""

    def __init__(self, **reported: tuple[int, int]) -> None:
        self.positions = {int(name[1:]): position for name, position in reported.items()}
        self.trials = {number: SimpleNamespace(state="RUNNING") for number in self.positions}

    def track(self, number: int) -> Any:
        return SimpleNamespace(reported=self.positions[number])


def packing_of(room: int) -> SimpleNamespace:
    return SimpleNamespace(slots=room, asks={"CPU": 1.0})


def slots_of(trials: Trials, room: int = 8, packing: SimpleNamespace | None = None) -> Concurrency:
    concurrency = Concurrency(cast(Any, trials), cast(Any, packing or packing_of(room)))
    for number in trials.positions:
        concurrency.taken(number)
    return concurrency


def test_without_orders_all_that_the_cluster_has_room_for_may_run() -> None:
    concurrency = slots_of(Trials(t1=(0, 1), t2=(0, 1)))
    assert (concurrency.count, concurrency.free, concurrency.full, concurrency.gives_up(1)) == (8, 6, False, None)
    concurrency.obey(Orders(slots=100))
    assert concurrency.count == 8
    concurrency.obey(Orders(slots=2))
    assert (concurrency.count, concurrency.free, concurrency.full, concurrency.gives_up(1)) == (2, 0, True, None)


def test_those_with_the_least_progress_leave_as_they_report() -> None:
    concurrency = slots_of(Trials(t1=(1, 1), t2=(0, 2), t3=(0, 1), t4=(1, 2)))
    concurrency.obey(Orders(slots=2))
    assert concurrency.gives_up(4) is None
    assert concurrency.gives_up(3) == "gave its place up: 2 of 8 slots are the sweep's now"
    concurrency.left(3)
    assert concurrency.gives_up(1) is None
    assert concurrency.gives_up(2)
    concurrency.left(2)
    assert [concurrency.gives_up(number) for number in (1, 4)] == [None, None]


def test_two_that_take_turns_do_not_put_it_off_for_ever() -> None:
    trials = Trials(t1=(0, 1), t2=(0, 1))
    concurrency = slots_of(trials)
    concurrency.obey(Orders(slots=1))
    left = []
    for step in range(6):
        number = 1 + step % 2
        if concurrency.gives_up(number):
            left.append(number)
            concurrency.left(number)
            break
        trials.positions[number] = (0, 2 + step)
    assert left == [2]


def test_more_slots_let_the_furthest_stay() -> None:
    concurrency = slots_of(Trials(t1=(0, 3), t2=(0, 2), t3=(0, 1)))
    concurrency.obey(Orders(slots=1))
    assert concurrency.gives_up(1) is None
    concurrency.obey(Orders(slots=2))
    assert concurrency.gives_up(2) is None
    assert concurrency.gives_up(3)


def test_room_that_shrinks_by_itself_drives_nobody_out() -> None:
    concurrency = slots_of(Trials(t1=(0, 3), t2=(0, 2)), room=1)
    assert (concurrency.free, concurrency.gives_up(1), concurrency.gives_up(2)) == (-1, None, None)


def test_no_slots_at_all_let_everybody_wait() -> None:
    concurrency = slots_of(Trials(t1=(0, 3), t2=(0, 2)))
    concurrency.obey(Orders(slots=0))
    assert concurrency.gives_up(1)
    assert concurrency.gives_up(2)


@pytest.mark.parametrize(("waiting", "wanted"), [(None, 8), (0, 2), (3, 5), (50, 8)])
def test_the_needs_are_what_could_run_at_once(waiting: int | None, wanted: int) -> None:
    trials = Trials(t1=(0, 3), t2=(0, 2))
    trials.trials[2].state = "PENDING"
    packing = packing_of(8)
    concurrency = slots_of(trials, packing=packing)
    concurrency.wants(waiting)
    assert concurrency.needs() == Needs(1, wanted, {"CPU": 1.0})
    packing.slots = 16  # A node has joined.
    assert concurrency.needs().wanted == (16 if wanted == 8 else wanted)


def test_a_limit_holds_until_the_trial_that_it_is_for_has_left_its_next_slot() -> None:
    concurrency = slots_of(Trials(t1=(0, 1), t2=(0, 1), t3=(0, 1)))
    concurrency.left(3)
    concurrency.limit(3, 2)
    assert (concurrency.count, concurrency.free) == (2, 0)
    concurrency.left(2)
    concurrency.taken(3)
    assert (concurrency.count, concurrency.free) == (2, 0)
    assert concurrency.gives_up(1) is None, "those that train go on"
    concurrency.left(3)
    assert (concurrency.count, concurrency.free) == (8, 7)
