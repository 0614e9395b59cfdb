"""Tune's callback for trials that train."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ray.tune import Callback

from service.engine.head.dismissals import Dismissals
from service.engine.head.gpu_packing import GpuPacking
from service.engine.head.trial_log import TrialLog
from service.engine.head.tune.no_snapshot import NoSnapshot
from service.engine.head.tune.scheduler import PolicyScheduler
from service.engine.head.tune.stopper import SweepStopper
from service.engine.state.trial_progress import BEGUN
from service.ledger.records import DecisionRecord, ReportRecord, TrialRecord
from service.policy.diagnosis import diagnose
from service.policy.verdict import STATES, Verdict
from service.spec import Spec


class LedgerCallback(NoSnapshot, Callback):
    """Tune callback that writes every start and report of a trial to the trial log, each as one event.

    What breaks a trial is the matter of `FailureCallback`.
    """

    def __init__(
        self,
        spec: Spec,
        trial_log: TrialLog,
        scheduler: PolicyScheduler,
        gpu_packing: GpuPacking,
        dismissals: Dismissals,
        stopper: SweepStopper,
    ) -> None:
        self._metric = spec.metric.name
        self._trial_log = trial_log
        self._scheduler = scheduler
        self._gpu_packing = gpu_packing
        self._dismissals = dismissals
        self._stopper = stopper

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        row = self._row(trial)
        self._gpu_packing.started(row.number)
        self._trial_log.change(row.number, state="RUNNING", why="", started=row.started or time.time())

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        about = result["sieve"]
        if about.get("failure"):
            return
        row = self._row(trial)
        report = self._report(row, result)
        verdict = self._scheduler.of(report)
        self._trial_log.remember(report, self._metric, about["done_in_stage"])
        row = replace(
            row,
            stage=report.stage,
            node=result.get("hostname", row.node),
            checkpoint=about["checkpoint"],
            seconds=row.seconds + report.seconds,
            gpu_seconds=row.gpu_seconds + report.seconds * self._gpu_packing.gpu(row),
        )
        learned = self._learned(row, report, about.get("memory"))
        leaves = self._scheduler.leaves(row.number)
        if leaves is not None:
            row = replace(row, state="PENDING", why=leaves)
        if verdict is None:
            self._trial_log.record(row, [report], learned)
        else:
            self._judged(row, report, verdict, learned)
        self._stopper.check()

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
        self._dismissals.record()

    def _learned(
        self, row: TrialRecord, report: ReportRecord, memory: Mapping[str, int] | None
    ) -> list[DecisionRecord]:
        """What the end of a stage says of the memory that trials need, to be put on record with it."""
        return self._gpu_packing.seen(row, report.stage, memory, report.time) if memory and report.stage_end else []
