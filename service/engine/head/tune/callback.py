"""Tune's callback: turns what happens to Tune trials into records of the journal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ray.tune import Callback

from service.engine.head.dismissals import Dismissals
from service.engine.head.failure_guard import FailureGuard
from service.engine.head.trial_log import TrialLog
from service.engine.head.tune.no_snapshot import NoSnapshot
from service.engine.head.tune.placement import place_of, worker_of
from service.engine.head.tune.scheduler import PolicyScheduler
from service.engine.head.tune.search_alg import PolicySearchAlg
from service.engine.state.trial_progress import BEGUN
from service.ledger.records import DecisionRecord, ReportRecord, TrialRecord
from service.policy.diagnosis import diagnose
from service.policy.failures.retries import ROOM, alone, retry
from service.policy.verdict import STATES, Verdict
from service.spec import Spec
from trainables.worker.distributed import free


@dataclass(frozen=True)
class TrialFailure:
    """What broke a trial: ``kind`` is diverged, metric, task, disk, memory, error, or worker (its process died).

    ``node`` is the id of the node where it did, None where nobody knows.
    """

    kind: str
    message: str
    traceback: str
    node: str | None


class LedgerCallback(NoSnapshot, Callback):
    """Writes every start, report, verdict and failure of a trial down, each as one event."""

    def __init__(
        self,
        spec: Spec,
        trial_log: TrialLog,
        search_alg: PolicySearchAlg,
        scheduler: PolicyScheduler,
        guard: FailureGuard,
        dismissals: Dismissals,
    ) -> None:
        self._spec = spec
        self._trial_log = trial_log
        self._search_alg = search_alg
        self._gpu_packing = search_alg.gpu_packing
        self._scheduler = scheduler
        self._guard = guard
        self._stopper = guard.stopper
        self._workers: dict[str, str | None] = {}
        self._dismissals = dismissals

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._guard.look()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        row = self._row(trial)
        self._workers[trial.trial_id] = worker_of(trial)
        self._gpu_packing.started(row.number)
        self._trial_log.change(row.number, state="RUNNING", why="", started=row.started or time.time())

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        row, node = self._row(trial), result["sieve"].get("node")
        failure = result["sieve"].get("failure")
        if failure:
            message, *_ = failure["message"].splitlines() or [""]
            self._broke(row, TrialFailure(failure["kind"], message, failure["traceback"], node))
            return
        report = self._report(row, result)
        verdict = self._scheduler.of(report)
        self._guard.passed(node, (report.stage, result["sieve"]["done_in_stage"]))
        self._trial_log.remember(report, self._spec.metric.name, result["sieve"]["done_in_stage"])
        row = replace(
            row,
            stage=report.stage,
            node=result.get("hostname", row.node),
            checkpoint=result["sieve"]["checkpoint"],
            seconds=row.seconds + report.seconds,
            gpu_seconds=row.gpu_seconds + report.seconds * self._gpu_packing.gpu(row.number),
        )
        learned = self._learned(row, report, result["sieve"].get("memory"))
        leaves = self._scheduler.leaves(row.number)
        if leaves is not None:
            row = replace(row, state="PENDING", why=leaves)
            self._search_alg.resume(row.number)
        if verdict is None:
            self._trial_log.record(row, [report], learned)
        else:
            self._judged(row, report, verdict, learned)
        self._stopper.check()

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        row = self._row(trial)
        self._gpu_packing.ended(row.number)
        free()
        error = str(trial.get_error() or "its worker process died")
        node = place_of(self._workers.get(trial.trial_id))
        self._broke(row, TrialFailure("worker", error.strip().splitlines()[-1], error, node))

    def _row(self, trial: Any) -> TrialRecord:
        return self._trial_log.trials[int(trial.config["trial"])]

    def _report(self, row: TrialRecord, result: dict[str, Any]) -> ReportRecord:
        about = result["sieve"]
        return ReportRecord(
            trial=row.number,
            stage=result["stage"],
            epoch=result["epoch"],
            data=result["data"],
            budget=result["budget"],
            metrics=about["metrics"],
            time=self._stopper.seconds(),
            stage_end=about["stage_end"],
            seconds=about["seconds"],
        )

    def _judged(self, row: TrialRecord, report: ReportRecord, verdict: Verdict, learned: list[DecisionRecord]) -> None:
        leaves = row.state == "PENDING"  # It gave its place up, whatever the policy thinks of it.
        state = row.state if leaves else STATES[verdict.kind]
        row = replace(
            row,
            state=state,
            why=row.why if leaves else verdict.reason,
            diagnosis=diagnose(self._trial_log.track(row.number).curves[report.stage]) or None,
            finished=time.time() if state in ("FINISHED", "STOPPED") else None,
        )
        numbers = {**verdict.numbers, BEGUN: len(self._trial_log.trials)}
        decision = DecisionRecord(
            row.number, report.stage, verdict.kind, verdict.reason, numbers, self._stopper.seconds()
        )
        self._trial_log.record(row, [report], [*learned, decision], self._scheduler.appraisals(self._stopper.seconds()))
        self._dismissals.judged(row)

    def _learned(
        self, row: TrialRecord, report: ReportRecord, memory: Mapping[str, int] | None
    ) -> list[DecisionRecord]:
        """What the end of a stage says of the memory that trials need, to be put on record with it."""
        return self._gpu_packing.seen(row, report.stage, memory, report.time) if memory and report.stage_end else []

    def _retried(self, row: TrialRecord, failure: TrialFailure) -> TrialRecord | None:
        """The row of a trial that is tried again, on record; None: it has failed for good."""
        if alone(failure.kind, self._gpu_packing.gpu(row.number)):
            decision = self._gpu_packing.exhausted(row, self._stopper.seconds())
            row = replace(row, state="PENDING", why=decision.reason, error=failure.traceback)
            self._trial_log.record(row, decisions=[decision])
            return row
        why = retry(self._spec, failure.kind, row.attempt, failure.message)
        if why is None:
            return None
        return self._trial_log.change(
            row.number, state="PENDING", why=why, error=failure.traceback, attempt=row.attempt + 1
        )

    def _excused(self, row: TrialRecord, failure: TrialFailure) -> bool:
        """Whether not the trial is at fault but its node, or all: it waits for another attempt, which costs nothing."""
        if alone(failure.kind, self._gpu_packing.gpu(row.number)):
            return False
        why = self._guard.failed(row, failure.kind, failure.message, failure.node)
        if why is not None:
            self._trial_log.change(row.number, state="PENDING", why=why, error=failure.traceback)
        return why is not None

    def _broke(self, row: TrialRecord, failure: TrialFailure) -> None:
        """Pause for a full disk, retry what may work, else fail the trial, or the sweep if no trial can do better."""
        if failure.kind == "disk":
            self._trial_log.change(row.number, state="PENDING", why=failure.message)
            self._stopper.pause(failure.message)
            return
        if self._excused(row, failure) or self._retried(row, failure) is not None:
            self._search_alg.offer(row.number)
            return
        why = f"{failure.message}; {ROOM}" if failure.kind == "memory" else failure.message
        failed = self._trial_log.change(
            row.number, state="FAILED", why=why, error=failure.traceback, finished=time.time()
        )
        self._dismissals.failed(failed)
        if failure.kind == "metric" and not self._metric_is_known():
            self._stopper.fail(failure.message)

    def _metric_is_known(self) -> bool:
        """Whether any trial has reported the sweep's metric, so that its name is right."""
        curves = [curve for number in self._trial_log.trials for curve in self._trial_log.track(number).curves.values()]
        return any(self._spec.metric.name in metrics for curve in curves for metrics in curve)
