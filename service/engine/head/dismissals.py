"""Trials that wait at a rung and go no further."""

from __future__ import annotations

import time
from dataclasses import replace

from service.engine.head.trial_log import TrialLog
from service.engine.head.tune.stopper import SweepStopper
from service.ledger.records import DecisionRecord
from service.policy.policy import Policy


class Dismissals:
    """Stops the waiting trials that the policy sends home, whenever something has happened that may decide it."""

    def __init__(self, policy: Policy, trial_log: TrialLog, stopper: SweepStopper) -> None:
        self._policy = policy
        self._trial_log = trial_log
        self._stopper = stopper

    def dropped(self, trial: int) -> None:
        """A trial has ended without a verdict, and its row says so: no rung waits for it."""
        self._policy.drop(trial)
        self.record()

    def record(self, over: bool = False) -> None:
        """Stop who is ruled out and still waits; with ``over`` all that wait, as nothing is left to train."""
        for ruling in self._policy.dismissals(over):
            row = self._trial_log.trials[ruling.trial]
            if row.state != "PAUSED":
                continue
            verdict = ruling.verdict
            decision = DecisionRecord(
                row.number, ruling.stage, verdict.kind, verdict.reason, dict(verdict.numbers), self._stopper.seconds()
            )
            row = replace(row, state="STOPPED", why=verdict.reason, finished=time.time())
            self._trial_log.record(row, decisions=[decision])
