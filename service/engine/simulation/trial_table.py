"""What has happened in a simulated sweep so far."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.engine.curves import Measurement
from service.engine.simulation.virtual_trial import Trial
from service.engine.state.trial_progress import BEGUN
from service.ledger.records import DecisionRecord, ReportRecord, WorthRecord
from service.ledger.states import OPEN
from service.policy.cluster_share.request import request_at
from service.policy.diagnosis import diagnose
from service.policy.observation import Observation
from service.policy.verdict import Verdict
from service.spec import Spec


class Table:
    """Trials, reports and decisions of one round in their order; ``epochs`` and ``gpu_seconds`` are used in all.

    The trials have the numbers after those of the ``before`` trials of earlier rounds.
    """

    def __init__(self, spec: Spec, before: int, epochs: float, gpu_seconds: float) -> None:
        self._before = before
        self._metric = spec.metric.name
        self._spec = spec
        self._observations: list[Observation] = []
        self._values = 0
        self.trials: list[Trial] = []
        self.reports: list[ReportRecord] = []
        self.decisions: list[DecisionRecord] = []
        self.worth: list[WorthRecord] = []
        self.epochs = epochs
        self.gpu_seconds = gpu_seconds

    def __getitem__(self, number: int) -> Trial:
        return self.trials[number - self._before - 1]

    def observations(self) -> list[Observation]:
        """What the policy may see of the round, by trial number."""
        return list(self._observations)

    def open(self) -> list[Trial]:
        """The trials that have not ended."""
        return [trial for trial in self.trials if trial.row.state in OPEN]

    def add(self, trial: Trial) -> None:
        """A new trial, the next by number."""
        self.trials.append(trial)
        self._observations.append(trial.observation())

    def change(self, trial: Trial, **fields: Any) -> None:
        """New values for some fields of a trial's row."""
        trial.row = replace(trial.row, **fields)
        self._observations[trial.row.number - self._before - 1] = trial.observation()

    def end(self, trial: Trial, state: str, why: str, now: float) -> None:
        """A trial goes no further."""
        self.change(trial, state=state, why=why, finished=now)

    def report(self, trial: Trial, measured: Measurement, now: float) -> ReportRecord:
        """The epoch that a trial has just trained."""
        report, row, track = trial.report(measured, now), trial.row, trial.track
        trial.unreported = 0.0
        gpu_seconds = report.seconds * request_at(self._spec, report.stage, auto=1.0).gpu
        self.gpu_seconds += gpu_seconds
        self.epochs += report.budget - track.budget
        self.reports.append(report)
        track.take(report, trial.done)
        if report.stage_end:
            track.end(report, self._metric, self._values)
            self._values += 1
        trial.row = replace(
            row,
            stage=report.stage,
            seconds=row.seconds + report.seconds,
            gpu_seconds=row.gpu_seconds + gpu_seconds,
        )
        return report

    def judge(self, trial: Trial, verdict: Verdict, now: float) -> None:
        """The verdict on the newest report of a trial."""
        begun = replace(verdict, numbers={**verdict.numbers, BEGUN: self._before + len(self.trials)})
        self.decide(trial, trial.stage, begun, now)
        self.change(trial, diagnosis=diagnose(trial.track.curves[trial.stage]) or None)

    def decide(self, trial: Trial, stage: int, verdict: Verdict, now: float) -> None:
        """A verdict on a trial."""
        numbers = dict(verdict.numbers)
        decision = DecisionRecord(trial.row.number, stage, verdict.kind, verdict.reason, numbers, now)
        self.decisions.append(decision)
        trial.track.rule(decision)
