"""Trials that broke: tried again, or failed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from service.engine.head.failures.failure_guard import FailureGuard
from service.engine.head.resources.gpu_packing import GpuPacking
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.engine.state.dismissals import Dismissals
from service.engine.state.trial_failure import TrialFailure
from service.engine.state.trial_steps import broken
from service.ledger.records import DecisionRecord, TrialRecord
from service.policy.failures.retries import alone
from service.spec import Spec


class FailedTrials:
    """Records whether a trial that broke is tried again, and ends the sweep where no trial can do better."""

    def __init__(
        self,
        spec: Spec,
        trial_log: TrialLog,
        stopper: SweepStopper,
        gpu_packing: GpuPacking,
        guard: FailureGuard,
        dismissals: Dismissals,
    ) -> None:
        self._spec = spec
        self._trial_log = trial_log
        self._stopper = stopper
        self._gpu_packing = gpu_packing
        self._guard = guard
        self._dismissals = dismissals

    def broke(self, row: TrialRecord, failure: TrialFailure) -> bool:
        """Record the failure of a trial; whether this head tries it again. A full disk pauses the sweep."""
        self._gpu_packing.ended(row.number)
        if failure.kind == "disk":
            self._trial_log.change(row.number, state="PENDING", why=failure.message)
            self._stopper.pause(failure.message)
            return False
        if self._alone(row, failure) or self._excused(row, failure):
            return True
        row = broken(row, failure, self._spec, time.time())
        self._trial_log.record(row)
        if row.state != "FAILED":
            return True
        self._dismissals.dropped(row.number)
        if failure.kind == "metric":
            self._stopper.fail(failure.message)
        return False

    def _alone(self, row: TrialRecord, failure: TrialFailure) -> bool:
        """Whether it ran out of memory beside others: it gets a GPU to itself, which costs no attempt."""
        if not alone(failure.kind, self._gpu_packing.gpu(row)):
            return False
        decision = self._gpu_packing.exhausted(row, self._stopper.seconds())
        self._wait(row, decision.reason, failure, [decision])
        return True

    def _excused(self, row: TrialRecord, failure: TrialFailure) -> bool:
        """Whether not the trial is at fault but its node, or all: it waits for another attempt, which costs nothing."""
        why = self._guard.failed(row, failure.kind, failure.message, failure.node)
        if why is not None:
            self._wait(row, why, failure)
        return why is not None

    def _wait(
        self, row: TrialRecord, why: str, failure: TrialFailure, decisions: Sequence[DecisionRecord] = ()
    ) -> None:
        row = replace(row, state="PENDING", why=why, error=failure.traceback)
        self._trial_log.record(row, decisions=decisions)
