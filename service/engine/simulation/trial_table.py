"""The table of a simulated round: what has happened in it so far."""

from __future__ import annotations

from collections.abc import Iterable

from service.engine.simulation.virtual_trial import Trial
from service.ledger.records import DecisionRecord, ReportRecord, TrialRecord, WorthRecord
from service.policy.observation import Observation
from service.spec import Spec


class Table:
    """Trials, reports and decisions of one round in their order; ``epochs`` and ``gpu_seconds`` are used in all.

    ``trials`` are the rows by number, after those of earlier rounds.
    """

    def __init__(self, spec: Spec, epochs: float, gpu_seconds: float) -> None:
        self._metric = spec.metric
        self._plan = spec.plan
        self._virtual: dict[int, Trial] = {}
        self._observations: dict[int, Observation] = {}
        self._values = 0
        self.trials: dict[int, TrialRecord] = {}
        self.reports: list[ReportRecord] = []
        self.decisions: list[DecisionRecord] = []
        self.worth: list[WorthRecord] = []
        self.epochs = epochs
        self.gpu_seconds = gpu_seconds

    def __getitem__(self, number: int) -> Trial:
        """Where the trial of that number is; a new one has not begun to climb."""
        if number not in self._virtual:
            self._virtual[number] = Trial(number, self._plan)
        return self._virtual[number]

    def observations(self) -> list[Observation]:
        """What the policy may see of the round, by trial number."""
        return list(self._observations.values())

    def remember(self, report: ReportRecord, done: int, gpus: float) -> None:
        """Take a report, after ``done`` epochs of its stage on so many GPUs, into what is seen and what is used."""
        track = self[report.trial].track
        self.gpu_seconds += report.seconds * gpus
        self.epochs += report.budget - track.budget
        track.take(report, done, self._metric)
        if report.stage_end:
            track.end(report, self._metric.name, self._values)
            self._values += 1

    def record(
        self,
        trial: TrialRecord,
        reports: Iterable[ReportRecord] = (),
        decisions: Iterable[DecisionRecord] = (),
        worth: Iterable[WorthRecord] = (),
    ) -> None:
        """One event: the trial's new row with the reports, decisions and appraisals that belong to it."""
        self.trials[trial.number] = trial
        self.reports.extend(reports)
        self.worth.extend(worth)
        for decision in decisions:
            self[decision.trial].track.rule(decision)
            self.decisions.append(decision)
        self._observations[trial.number] = self[trial.number].track.observation(trial)
