"""Trials that go no further."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from service.engine.head.checkpoint_retention import Keeper
from service.engine.head.trial_log import Journal
from service.engine.head.tune.stopper import Course
from service.ledger.records import DecisionRecord, TrialRecord
from service.policy.policy import Policy
from service.policy.verdict import Ruling


class Departures:
    """Writes down which waiting trials the policy sends home, whenever something has happened that may decide it."""

    def __init__(self, policy: Policy, journal: Journal, keeper: Keeper, course: Course) -> None:
        self._policy = policy
        self._journal = journal
        self._keeper = keeper
        self._course = course

    def judged(self, row: TrialRecord) -> None:
        """A verdict on a trial is on record, and so is its new state."""
        self._keeper.ended(row)
        self.record(self._policy.dismissals())

    def failed(self, row: TrialRecord) -> None:
        """A trial has failed for good, and its row says so: nobody waits for it."""
        self._keeper.ended(row)
        self._policy.drop(row.number)
        self.record(self._policy.dismissals())

    def over(self) -> None:
        """Nothing is left to train: whoever still waits goes no further."""
        self.record(self._policy.dismissals(over=True))

    def record(self, rulings: Iterable[Ruling]) -> None:
        """Stop the trials that are ruled out and still wait."""
        for ruling in rulings:
            row = self._journal.trials[ruling.trial]
            if row.state != "PAUSED":
                continue
            verdict = ruling.verdict
            decision = DecisionRecord(
                row.number, ruling.stage, verdict.kind, verdict.reason, dict(verdict.numbers), self._course.seconds()
            )
            row = replace(row, state="STOPPED", why=verdict.reason, finished=time.time())
            self._journal.record(row, decisions=[decision])
            self._keeper.ended(row)
