"""What has happened in a simulated sweep so far."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.engine.curves import Measurement
from service.engine.simulation.virtual_trial import Trial
from service.engine.state.trial_progress import BEGUN
from service.ledger.records import DecisionRecord, ReportRecord, WorthRecord
from service.policy.diagnosis import diagnose
from service.policy.observation import Observation
from service.policy.verdict import Verdict
from service.spec import Spec
from service.spec.models import AUTO
from service.spec.states import TRIAL_OPEN, TrialState


class Table:
    """Trials, reports and decisions of one round in their order; ``epochs`` and ``gpu_seconds`` are used in all.

    The trials have the numbers after those of the ``before`` trials of earlier rounds.
    """

    def __init__(self, spec: Spec, before: int, epochs: float, gpu_seconds: float) -> None:
        self._before = before
        self._metric = spec.metric.name
        self._gpu = 1.0 if spec.resources.gpu == AUTO else spec.resources.gpu
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
        return [trial for trial in self.trials if trial.row.state in TRIAL_OPEN]

    def add(self, trial: Trial) -> None:
        """A new trial, the next by number."""
        self.trials.append(trial)
        self._observations.append(trial.observation())

    def change(self, trial: Trial, *, state: TrialState | None = None, **fields: Any) -> None:
        """New values for some fields of a trial's row, its state only if it has a new one."""
        trial.row = replace(trial.row, state=state or trial.row.state, **fields)
        self._observations[trial.row.number - self._before - 1] = trial.observation()

    def end(self, trial: Trial, state: TrialState, why: str, now: float) -> None:
        """A trial goes no further."""
        self.change(trial, state=state, why=why, finished=now)

    def report(self, trial: Trial, measured: Measurement, now: float) -> ReportRecord:
        """The epoch that a trial has just trained."""
        report, row, track = trial.report(measured, now), trial.row, trial.track
        trial.unreported = 0.0
        self.gpu_seconds += report.seconds * self._gpu
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
            gpu_seconds=row.gpu_seconds + report.seconds * self._gpu,
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
