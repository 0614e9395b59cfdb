"""Tune's callback for trials that train."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ray.tune import Callback

from service.engine.head.no_snapshot import NoSnapshot
from service.engine.head.resources.gpu_packing import GpuPacking
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.engine.head.tune.scheduler import PolicyScheduler
from service.engine.state.dismissals import Dismissals
from service.engine.state.trial_steps import decision, judged, reported, started
from service.ledger.records import DecisionRecord, ReportRecord, TrialRecord
from service.spec import Spec


class LedgerCallback(NoSnapshot, Callback):
    """Tune callback that writes every start and report of a trial to the trial log, each as one event.

    Failures are recorded by `FailureCallback`.
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
        self._metric = spec.metric
        self._trial_log = trial_log
        self._scheduler = scheduler
        self._gpu_packing = gpu_packing
        self._dismissals = dismissals
        self._stopper = stopper

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        row = self._row(trial)
        self._gpu_packing.started(row.number)
        self._trial_log.record(started(row, time.time()))

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
        row = reported(row, report, self._gpu_packing.gpu(row))
        row = replace(row, node=result.get("hostname", row.node), checkpoint=about["checkpoint"])
        decisions = self._learned(row, report, about.get("memory"))
        if verdict is not None:
            row = judged(row, verdict, self._trial_log.track(row.number).curves[report.stage], time.time())
            trials_begun = len(self._trial_log.trials)
            decisions.append(decision(row.number, report.stage, verdict, self._stopper.seconds(), trials_begun))
        leaves = self._scheduler.leaves(row.number)
        if leaves is not None:  # It gives its place up, whatever the policy thinks of it.
            row = replace(row, state="PENDING", why=leaves)
        worth = [] if verdict is None else self._scheduler.appraisals(self._stopper.seconds())
        self._trial_log.record(row, [report], decisions, worth)
        if verdict is not None:
            self._dismissals.record()
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

    def _learned(
        self, row: TrialRecord, report: ReportRecord, memory: Mapping[str, int] | None
    ) -> list[DecisionRecord]:
        """The decisions on GPU memory that follow from the end of a stage, recorded together with it."""
        return self._gpu_packing.seen(row, report.stage, memory, report.time) if memory and report.stage_end else []
