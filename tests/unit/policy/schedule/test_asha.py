"""What `asha` does that no other rule does."""

from __future__ import annotations

from typing import Any

from service.policy.policy import Policy
from tests.contract.policy import test_rungs as rungs

STAGES = [{"data": 0.1, "epochs": 1}, {"data": 0.5, "epochs": 2, "start": "fresh"}, {"data": 1.0, "epochs": 4}]


def policy_of(ranks: bool) -> Policy:
    """One that has seen eight trials at the first two rungs, which agree or do the opposite; both take as long."""
    policy = Policy(rungs.spec_of("asha", factor=2, stages=STAGES))
    for trial in range(1, 9):
        policy.judge(trial, 0, float(trial), 10.0)
        policy.judge(trial, 1, float(trial if ranks else -trial), 10.0 if not ranks else 1000.0)
    return policy


def verdict(policy: Policy) -> tuple[Any, Any]:
    found = policy.judge(9, 0, 0.5, 10.0)
    job = policy.next([])
    assert job is not None
    return found, job.skipped


def test_a_trial_stops_where_the_rung_tells_enough() -> None:
    found, skipped = verdict(policy_of(ranks=True))
    assert (found.kind, skipped) == ("stop", ())


def test_nobody_stops_at_a_rung_that_does_not_pay_and_new_trials_skip_it() -> None:
    found, skipped = verdict(policy_of(ranks=False))
    assert (found.kind, skipped) == ("continue", (0,))
    assert "no decision is taken here as this stage does not pay" in found.reason
