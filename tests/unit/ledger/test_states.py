"""The tables of states, as tables: that the store obeys them is the contract suite's to show."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from service.ledger.states import IllegalTransition, check
from service.spec.states import SWEEP_NEXT, TRIAL_NEXT


@pytest.mark.parametrize("table", [SWEEP_NEXT, TRIAL_NEXT])
def test_every_state_that_follows_has_its_own_row(table: Mapping[str, frozenset[str]]) -> None:
    assert set().union(*table.values()) <= table.keys()


@pytest.mark.parametrize("state", [*SWEEP_NEXT])
def test_a_state_may_stay(state: str) -> None:
    check(SWEEP_NEXT, "sweep a", state, state)


@pytest.mark.parametrize("state", ["FINISHED", "STOPPED", "CANCELLED"])
def test_a_trial_that_ended_well_stays_so(state: str) -> None:
    with pytest.raises(IllegalTransition, match=f"trial 7 is {state} and cannot become RUNNING; .* comes nothing"):
        check(TRIAL_NEXT, "trial 7", state, "RUNNING")


def test_a_failed_trial_may_be_tried_again() -> None:
    check(TRIAL_NEXT, "trial 7", "FAILED", "PENDING")


@pytest.mark.parametrize("state", ["RUNNING", "FINISHED", "STOPPED", "CANCELLED", "PENDING", "FAILED"])
def test_a_trial_that_waits_at_a_rung_may_go_on_or_end(state: str) -> None:
    check(TRIAL_NEXT, "trial 7", "RUNNING", "PAUSED")
    check(TRIAL_NEXT, "trial 7", "PAUSED", state)


def test_an_unknown_state_is_refused_with_those_there_are() -> None:
    with pytest.raises(IllegalTransition, match=r"'CANCELED'; states are QUEUED, STARTING"):
        check(SWEEP_NEXT, "sweep a", "RUNNING", "CANCELED")
