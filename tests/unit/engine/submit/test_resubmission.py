"""The decision on a spec whose name may be in use, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from service.engine.submit.resubmission import Found, GoOn, New, Refuse, Repeated, Sender, StartOver, decide
from service.ledger.errors import KeyInUse, NameInUse
from service.ledger.records import SweepRecord
from service.spec import Spec
from service.states import SWEEP_NEXT, SweepState
from tests.unit.engine.conftest import spec_of

ANN = Sender("ann", "code", "first")


def known(state: SweepState, spec: Spec | None = None, **fields: Any) -> SweepRecord:
    """A sweep of ann's, submitted with her code."""
    raw = (spec or spec_of()).to_dict()
    return SweepRecord("toy", raw, ".", "ann", state, 0.0, **{"package": "code", "key": "first", **fields})


def searching(trials: int) -> dict[str, Any]:
    return {"algorithm": "random", "trials": trials, "seed": 3}


def refusal(decision: object) -> str:
    assert isinstance(decision, Refuse)
    return str(decision.error)


@pytest.mark.parametrize("sender", [None, ANN])
def test_a_free_name_is_a_new_sweep(sender: Sender | None) -> None:
    assert decide(spec_of(), Found(None), sender) == New()


@pytest.mark.parametrize("sender", [None, ANN])
def test_one_that_failed_before_its_first_report_starts_over_whatever_the_spec_is(sender: Sender | None) -> None:
    other = spec_of(parameters={"y": {"uniform": [0.0, 1.0]}})
    assert decide(other, Found(known("FAILED"), void=True), sender) == StartOver()


@pytest.mark.parametrize("sender", [None, ANN])
@pytest.mark.parametrize("state", [*SWEEP_NEXT])
def test_the_same_spec_changes_nothing_and_resumes_what_waits_for_somebody(
    state: SweepState, sender: Sender | None
) -> None:
    decision = decide(spec_of(), Found(known(state)), sender)
    assert decision == GoOn(None, share=False, recoded=False, resumed=state in ("PAUSED", "FAILED"))


@pytest.mark.parametrize("state", [*SWEEP_NEXT])
def test_more_trials_extend_it_and_what_had_ended_need_not_be_resumed(state: SweepState) -> None:
    larger = spec_of(search=searching(99))
    decision = decide(larger, Found(known(state)))
    assert decision == GoOn(larger.to_dict(), share=False, recoded=False, resumed=state == "PAUSED")


def test_fewer_trials_change_nothing() -> None:
    assert decide(spec_of(search=searching(2)), Found(known("RUNNING"))) == GoOn(None, False, False, False)


@pytest.mark.parametrize(("state", "adopted"), [("STOPPED", True), ("SUCCEEDED", False), ("RUNNING", True)])
def test_another_budget_is_for_what_goes_on_or_was_stopped(state: SweepState, adopted: bool) -> None:
    decision = decide(spec_of(budget={"epochs": 5}), Found(known(state)))
    assert isinstance(decision, GoOn)
    assert (decision.spec is not None) == adopted


def test_another_spec_is_refused_with_what_differs() -> None:
    other = spec_of(parameters={"y": {"uniform": [0.0, 1.0]}})
    assert "in use by a sweep with other parameters" in refusal(decide(other, Found(known("PAUSED"))))


def test_over_the_network_the_name_of_somebody_else_is_refused_even_of_what_is_void() -> None:
    found = Found(SweepRecord("toy", {}, ".", "bob", "FAILED", 0.0), void=True)
    assert "in use by a sweep of bob" in refusal(decide(spec_of(), found, ANN))


@pytest.mark.parametrize("state", ["STARTING", "RUNNING"])
def test_other_code_waits_for_the_head_to_leave(state: SweepState) -> None:
    decision = decide(spec_of(), Found(known(state, package="old")), ANN)
    assert isinstance(decision, Refuse)
    assert isinstance(decision.error, NameInUse)
    assert "running with other code" in refusal(decision)


@pytest.mark.parametrize(
    ("state", "recoded"), [("QUEUED", True), ("PAUSED", True), ("FAILED", True), ("STOPPED", False)]
)
def test_other_code_is_for_what_goes_on(state: SweepState, recoded: bool) -> None:
    decision = decide(spec_of(), Found(known(state, package="old")), ANN)
    assert isinstance(decision, GoOn)
    assert decision.recoded == recoded


@pytest.mark.parametrize(("state", "share"), [("QUEUED", True), ("RUNNING", True), ("SUCCEEDED", False)])
def test_another_priority_is_for_what_goes_on(state: SweepState, share: bool) -> None:
    decision = decide(spec_of(priority=5), Found(known(state)), ANN)
    assert isinstance(decision, GoOn)
    assert decision.share == share


def test_the_same_key_is_the_same_submission_or_none() -> None:
    made = known("SUCCEEDED")
    assert decide(spec_of(), Found(made, keyed=made), ANN) == Repeated(made)
    other = decide(spec_of(), Found(made, keyed=made), Sender("ann", "other code", "first"))
    assert isinstance(other, Refuse)
    assert isinstance(other.error, KeyInUse)
    assert other.error.sweep == "toy"


TARGET = {"name": "score", "goal": "maximize", "target": 0.5}


@pytest.mark.parametrize(("state", "adopted"), [("SUCCEEDED", True), ("RUNNING", True), ("CANCELLED", False)])
@pytest.mark.parametrize("change", [{"target": 0.6}, {"target_at": "stage_end"}])
def test_another_target_is_for_what_has_reached_its_own_or_goes_on(
    change: dict[str, Any], state: SweepState, adopted: bool
) -> None:
    decision = decide(spec_of(metric=TARGET | change), Found(known(state, spec_of(metric=TARGET))))
    assert isinstance(decision, GoOn)
    assert (decision.spec is not None) == adopted


def test_another_metric_is_another_sweep() -> None:
    other = spec_of(metric=TARGET | {"name": "loss"})
    assert "with other metric" in refusal(decide(other, Found(known("PAUSED", spec_of(metric=TARGET)))))
