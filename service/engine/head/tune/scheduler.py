"""Tune's trial scheduler."""

from __future__ import annotations

from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from cluster.ray_internals.tune_workers import spare
from service.engine.head.no_snapshot import NoSnapshot
from service.engine.head.resources.concurrency import Concurrency
from service.engine.head.trial_log import TrialLog
from service.engine.head.trial_queue import TrialQueue
from service.engine.state.worth_records import appraisals
from service.ledger.records import ReportRecord, WorthRecord
from service.policy.policy import Policy
from service.policy.verdict import Verdict


class PolicyScheduler(NoSnapshot, FIFOScheduler):
    """Tune trial scheduler that hands each report to the policy and tells Tune whether the trial goes on.

    A trial that waits has ended, for Tune: it gives its worker up, and a promotion is another Tune trial. `of` hands
    each verdict over for the record. A trial that gives its slot up has ended for Tune as well: it goes to the front of
    the queue, without a call of the policy. ``metric`` is the name of the sweep's metric.
    """

    def __init__(
        self, policy: Policy, trial_log: TrialLog, metric: str, concurrency: Concurrency, queue: TrialQueue
    ) -> None:
        super().__init__()
        self._policy = policy
        self._trial_log = trial_log
        self._metric = metric
        self._concurrency = concurrency
        self._queue = queue
        self._told: dict[int, Verdict] = {}
        self._leaving: dict[int, str] = {}

    def choose_trial_to_run(self, tune_controller: Any) -> None:
        """None: trials are started in the order in which the queue hands them out."""
        spare(tune_controller)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        number, stage, value = int(trial.config["trial"]), int(result["stage"]), result.get(self._metric)
        verdict: Verdict | None
        if result["sieve/stage_end"]:
            verdict = self._judge(number, stage, value, result["sieve/seconds"])
        else:
            verdict = self._policy.watch(number, stage, result["sieve/done_in_stage"], value)
        if verdict is not None:
            self._told[number] = verdict
        if verdict is not None and verdict.kind != "continue":
            return str(TrialScheduler.STOP)
        why = self._concurrency.gives_up(number)
        if why is None:
            return str(TrialScheduler.CONTINUE)
        self._leaving[number] = why
        self._queue.push_front(number)
        return str(TrialScheduler.STOP)

    def leaves(self, number: int) -> str | None:
        """Why a trial gave its place up with the report that came in last, handed over once; None: it did not."""
        return self._leaving.pop(number, None)

    def of(self, report: ReportRecord) -> Verdict | None:
        """The verdict on a report that the trial log does not have yet; None in the middle of a stage, mostly.

        It is the one that was returned to Tune, or a new one: at the end of the last stage Tune does not ask.
        """
        if report.trial in self._told or not report.stage_end:
            return self._told.pop(report.trial, None)
        return self._judge(report.trial, report.stage, report.metrics.get(self._metric), report.seconds)

    def appraisals(self, time: float) -> list[WorthRecord]:
        """The new estimates of the stages' worth at ``time``, the sweep's running seconds."""
        return appraisals(self._policy, time)

    def _judge(self, trial: int, stage: int, value: float | None, seconds: float) -> Verdict:
        before = self._trial_log.track(trial).seconds.get(stage, 0.0)
        return self._policy.judge(trial, stage, value, before + seconds)
