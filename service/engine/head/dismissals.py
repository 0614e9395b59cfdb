"""Trials that go no further."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from service.engine.head.checkpoint_retention import CheckpointRetention
from service.engine.head.trial_log import TrialLog
from service.engine.head.tune.stopper import SweepStopper
from service.ledger.records import DecisionRecord, TrialRecord
from service.policy.policy import Policy
from service.policy.verdict import Ruling


class Dismissals:
    """Writes down which waiting trials the policy sends home, whenever something has happened that may decide it."""

    def __init__(
        self, policy: Policy, trial_log: TrialLog, retention: CheckpointRetention, stopper: SweepStopper
    ) -> None:
        self._policy = policy
        self._trial_log = trial_log
        self._retention = retention
        self._stopper = stopper

    def judged(self, row: TrialRecord) -> None:
        """A verdict on a trial is on record, and so is its new state."""
        self._retention.ended(row)
        self.record(self._policy.dismissals())

    def failed(self, row: TrialRecord) -> None:
        """A trial has failed for good, and its row says so: nobody waits for it."""
        self._retention.ended(row)
        self._policy.drop(row.number)
        self.record(self._policy.dismissals())

    def over(self) -> None:
        """Nothing is left to train: whoever still waits goes no further."""
        self.record(self._policy.dismissals(over=True))

    def record(self, rulings: Iterable[Ruling]) -> None:
        """Stop the trials that are ruled out and still wait."""
        for ruling in rulings:
            row = self._trial_log.trials[ruling.trial]
            if row.state != "PAUSED":
                continue
            verdict = ruling.verdict
            decision = DecisionRecord(
                row.number, ruling.stage, verdict.kind, verdict.reason, dict(verdict.numbers), self._stopper.seconds()
            )
            row = replace(row, state="STOPPED", why=verdict.reason, finished=time.time())
            self._trial_log.record(row, decisions=[decision])
            self._retention.ended(row)
