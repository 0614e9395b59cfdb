"""The rule of wishes, as a table: what is done for each, in each state."""

from __future__ import annotations

import pytest

from service.ledger.wishes import Step, left, step
from service.spec.states import PERSON_WISHES, SWEEP_NEXT, PersonWish, SweepState, Wish

NOTHING: dict[PersonWish, Step] = dict.fromkeys(PERSON_WISHES, "refuse")
HEADED: dict[PersonWish, Step] = {"pause": "tell", "resume": "refuse", "stop": "tell", "cancel": "tell"}
TABLE: dict[SweepState, dict[PersonWish, Step]] = {
    "QUEUED": {"pause": "settle", "resume": "keep", "stop": "settle", "cancel": "settle"},
    "STARTING": HEADED,
    "RUNNING": HEADED,
    "PAUSED": {"pause": "keep", "resume": "settle", "stop": "settle", "cancel": "settle"},
    "SUCCEEDED": NOTHING,
    "STOPPED": NOTHING,
    "FAILED": NOTHING | {"resume": "reopen"},
    "CANCELLED": NOTHING,
}


@pytest.mark.parametrize("state", [*SWEEP_NEXT])
def test_each_wish_has_its_step_in_each_state(state: SweepState) -> None:
    assert {wish: step(state, wish) for wish in PERSON_WISHES} == TABLE[state]


def test_a_wish_to_pause_is_taken_back_by_one_to_resume() -> None:
    assert step("RUNNING", "resume", noted="pause") == "tell"
    assert step("RUNNING", "resume", noted="cancel") == "refuse"


@pytest.mark.parametrize("wish", PERSON_WISHES)
def test_a_dead_head_hears_nothing(wish: PersonWish) -> None:
    assert step("RUNNING", wish, alive=False) == ("keep" if wish == "resume" else "refuse")


@pytest.mark.parametrize(
    ("state", "wish", "becomes"),
    [
        ("QUEUED", "pause", "PAUSED"),
        ("PAUSED", "cancel", "CANCELLED"),
        ("PAUSED", "resume", "QUEUED"),
        ("PAUSED", "yield", "PAUSED"),
        ("PAUSED", None, "PAUSED"),
        ("SUCCEEDED", "cancel", "SUCCEEDED"),
    ],
)
def test_a_person_s_wish_is_done_as_a_head_leaves_unless_the_sweep_is_over(
    state: SweepState, wish: Wish | None, becomes: SweepState
) -> None:
    assert left(state, wish) == becomes
