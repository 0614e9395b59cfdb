"""Trials that broke: tried again, or failed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from service.engine.head.failures.failure_guard import FailureGuard
from service.engine.head.resources.concurrency import Concurrency
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.engine.state.dismissals import Dismissals
from service.engine.state.trial_failure import TrialFailure
from service.engine.state.trial_steps import broken
from service.ledger.records import DecisionRecord, TrialRecord
from service.policy.failures.company import company, with_fewer
from service.policy.failures.retries import alone
from service.spec import Spec


class FailedTrials:
    """Records whether a trial that broke is tried again, and ends the sweep where no trial can do better."""

    def __init__(
        self,
        spec: Spec,
        trial_log: TrialLog,
        stopper: SweepStopper,
        concurrency: Concurrency,
        guard: FailureGuard,
        dismissals: Dismissals,
    ) -> None:
        self._spec = spec
        self._trial_log = trial_log
        self._stopper = stopper
        self._concurrency = concurrency
        self._gpu_packing = concurrency.gpu_packing
        self._guard = guard
        self._dismissals = dismissals

    def broke(self, row: TrialRecord, failure: TrialFailure) -> bool:
        """Record the failure of a trial; whether this head tries it again. A full disk pauses the sweep."""
        self._gpu_packing.ended(row.number)
        if failure.kind == "disk":
            self._trial_log.change(row.number, state="PENDING", why=failure.message)
            self._stopper.pause(failure.message)
            return False
        if failure.kind == "spoilt":
            self._wait(row, f"another trial spoilt the worker that it was to have: {failure.message}", failure)
            return True
        if self._alone(row, failure) or self._excused(row, failure):
            return True
        most = company(self._gpu_packing.slots, row.attempt + 1) if failure.kind == "killed" else None
        row = broken(row, failure, self._spec, time.time(), "" if most is None else with_fewer(most))
        self._trial_log.record(row)
        if row.state != "FAILED":
            if most is not None:
                self._concurrency.limit(row.number, most)
            return True
        self._dismissals.dropped(row.number)
        if failure.kind == "metric" and not self._metric_is_known():
            self._stopper.fail(failure.message)
        return False

    def _metric_is_known(self) -> bool:
        """Whether any trial has reported the sweep's metric, so that its name is right."""
        curves = [curve for number in self._trial_log.trials for curve in self._trial_log.track(number).curves.values()]
        return any(self._spec.metric.name in metrics for curve in curves for metrics in curve)

    def _alone(self, row: TrialRecord, failure: TrialFailure) -> bool:
        """Whether it ran out of memory beside others: it gets a GPU to itself, which costs no attempt."""
        if not alone(failure.kind, self._gpu_packing.gpu(row)):
            return False
        decision = self._gpu_packing.exhausted(row, self._stopper.seconds())
        self._wait(row, decision.reason, failure, [decision])
        return True

    def _excused(self, row: TrialRecord, failure: TrialFailure) -> bool:
        """Whether the failure is its node's or the sweep's, so that the retry does not count as an attempt."""
        why = self._guard.failed(row, failure.kind, failure.message, failure.node)
        if why is not None:
            self._wait(row, why, failure)
        return why is not None

    def _wait(
        self, row: TrialRecord, why: str, failure: TrialFailure, decisions: Sequence[DecisionRecord] = ()
    ) -> None:
        row = replace(row, state="PENDING", why=why, error=failure.traceback)
        self._trial_log.record(row, decisions=decisions)
