"""Trials that go no further without a report of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from service.engine.state.trial_steps import decision, ruled, settled
from service.ledger.records import DecisionRecord, TrialRecord
from service.policy.limits import Ending
from service.policy.policy import Policy
from service.spec.states import TRIAL_OPEN

Clock = Callable[[], float]


class TrialTable(Protocol):
    """The rows of trials: a head's `TrialLog`, or the `Table` of a simulation."""

    @property
    def trials(self) -> Mapping[int, TrialRecord]:
        """The rows by number."""

    def record(self, trial: TrialRecord, *, decisions: Iterable[DecisionRecord] = ()) -> None:
        """Put the new row of a trial on record, with the decisions behind it."""


class Dismissals:
    """Stops trials of a round that wait at a rung when the policy sends them home, and settles who is left at its end.

    ``seconds`` says the running time of the sweep, ``now`` the time of rows, see `service.engine.state.trial_steps`.
    """

    def __init__(self, policy: Policy, table: TrialTable, seconds: Clock, now: Clock = time.time) -> None:
        self._policy = policy
        self._table = table
        self._seconds = seconds
        self._now = now

    def record(self, over: bool = False) -> None:
        """Stop the waiting trials that are ruled out; with ``over`` all that wait, as nothing is left to train."""
        for ruling in self._policy.dismissals(over):
            row = self._table.trials[ruling.trial]
            if row.state == "PAUSED":
                fell = decision(row.number, ruling.stage, ruling.verdict, self._seconds())
                self._table.record(ruled(row, ruling.verdict, self._now()), decisions=[fell])

    def dropped(self, trial: int) -> None:
        """Let no rung wait for a trial that has ended without a verdict, as its row says already."""
        self._policy.drop(trial)
        self.record()

    def settle(self, ending: Ending | None) -> None:
        """The round is over, and by ``ending`` the sweep: settle the trials that it cut short.

        Without an ending nothing is left to train, and trials that wait at a rung go no further.
        """
        if ending is None:
            self.record(over=True)
            return
        for row in sorted(self._table.trials.values(), key=lambda row: row.number):
            if row.state in TRIAL_OPEN and (new := settled(row, ending, self._now())) is not row:
                self._table.record(new)
