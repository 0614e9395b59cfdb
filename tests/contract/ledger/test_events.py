"""What is new since a moment, in all sweeps or one."""

from __future__ import annotations

import time

from service.ledger.records import Batch, DecisionRecord, TrialRecord
from service.ledger.store.store import Store
from tests.contract.ledger.conftest import SPEC


def test_decisions_are_told_after_a_number_in_order(claimed: Store) -> None:
    claimed.create("b", SPEC, "/project", "bob", None)
    claimed.claim("b", "host:1:0", lambda _: False)
    assert claimed.events.newest() == 0
    for name, trial in (("a", 1), ("b", 1), ("a", 2)):
        decision = DecisionRecord(trial, 0, "stop", "so", {"rank": float("inf")}, 1.0)
        claimed.append(name, 1, Batch([TrialRecord(trial, {}, "RUNNING")], decisions=[decision]))
    told = claimed.events.decided(0)
    assert [(sweep, decision.trial) for _, sweep, decision in told] == [("a", 1), ("b", 1), ("a", 2)]
    assert told[0][2] == claimed.decisions("a")[0]
    assert claimed.events.newest() == told[-1][0]
    assert claimed.events.decided(told[0][0], "a") == told[2:]
    assert claimed.events.decided(0, limit=2) == told[:2]


def test_sweeps_that_ended_before_are_told_no_more(claimed: Store) -> None:
    claimed.create("b", SPEC, "/project", "bob", None)
    before = time.time()
    claimed.end("a", 1, "FAILED", "so")
    assert [standing.sweep for standing in claimed.events.standings(before)] == ["a", "b"]
    assert [standing.sweep for standing in claimed.events.standings(time.time() + 1)] == ["b"]
    [a] = claimed.events.standings(before, "a")
    assert (a.owner, a.state, a.why, a.attempt, a.wish) == ("ada", "FAILED", "so", 1, None)
    assert claimed.events.census() == {"FAILED": 1, "QUEUED": 1}
