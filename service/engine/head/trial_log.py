"""The head's copy of the ledger's trials, with changes written back in batches (a write-behind log)."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from service.engine.state.reached_target import target_reached
from service.engine.state.trial_progress import TrialProgress
from service.ledger.ledger import Ledger
from service.ledger.records import Batch, DecisionRecord, ReportRecord, TrialRecord, WorthRecord
from service.policy.limits import Reached
from service.policy.observation import Observation
from service.spec import Spec
from service.spec.models import Metric
from service.states import TRIAL_OPEN, TrialState


class TrialLog:
    """Trials by number, and what is not yet in the ledger.

    Everything that belongs to one event (a report, the verdict on it, the trial's new state) goes into one batch, so
    that a killed head leaves either all of it or nothing. Safe to use from the Tune loop and the writing thread.
    ``events`` counts them, ``reports`` the reports that came in since. ``longest`` has the seconds of the longest epoch
    by the fraction of the data.
    """

    def __init__(self, ledger: Ledger, name: str, attempt: int) -> None:
        self._ledger = ledger
        self._name = name
        self._attempt = attempt
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self.trials: dict[int, TrialRecord] = {t.number: t for t in ledger.trials(name)}
        self.events = 0
        self.reports = 0
        self.longest: dict[float, float] = {}
        self._tracks: dict[int, TrialProgress] = {}
        self._values = 0
        self._table: dict[int, Observation] = {}
        self._stale: set[int] = set(self.trials)
        self._reached: set[int] = set()
        self._changed: set[int] = set()
        self._reports: list[ReportRecord] = []
        self._decisions: list[DecisionRecord] = []
        self._worth: list[WorthRecord] = []

    def remember(self, report: ReportRecord, metric: Metric, done_in_stage: int) -> None:
        """Take ``report`` into the tables that searchers and limits read."""
        with self._lock:
            track = self._track(report.trial)
            track.take(report, done_in_stage, metric)
            self.longest[report.data] = max(report.seconds, self.longest.get(report.data, 0.0))
            if track.reached:
                self._reached.add(report.trial)
            if report.stage_end:
                track.end(report, metric.name, self._values)
                self._values += 1
            self._stale.add(report.trial)

    def recall(self, decision: DecisionRecord) -> None:
        """Take a ``decision`` that is in the ledger into the table that searchers read."""
        with self._lock:
            self._track(decision.trial).rule(decision)
            self._stale.add(decision.trial)

    def record(
        self,
        trial: TrialRecord,
        reports: Iterable[ReportRecord] = (),
        decisions: Iterable[DecisionRecord] = (),
        worth: Iterable[WorthRecord] = (),
    ) -> None:
        """One event: the trial's new row with the reports, decisions and appraisals that belong to it."""
        with self._lock:
            self.trials[trial.number] = trial
            self.events += 1
            new = list(reports)
            self.reports += len(new)
            self._changed.add(trial.number)
            self._stale.add(trial.number)
            self._reports.extend(new)
            self._worth.extend(worth)
            for decision in decisions:
                self._track(decision.trial).rule(decision)
                self._decisions.append(decision)

    def change(self, number: int, *, state: TrialState | None = None, **fields: Any) -> TrialRecord:
        """Record new values for some fields of a trial, its state only if it has a new one; returns the new row."""
        trial = self.trials[number]
        trial = replace(trial, state=state or trial.state, **fields)
        self.record(trial)
        return trial

    def flush(self) -> list[TrialRecord]:
        """Write what is new to the ledger in one transaction, and return the rows of trials that it wrote.

        On an error all is kept for the next try.

        Raises:
            DiskFull: the ledger cannot grow.
            LostClaim: another head has taken the sweep over.
        """
        with self._writing:
            with self._lock:
                batch = Batch(
                    [self.trials[n] for n in sorted(self._changed)],
                    list(self._reports),
                    list(self._decisions),
                    worth=list(self._worth),
                )
            if not (batch.trials or batch.reports or batch.decisions):
                return []
            self._ledger.append(self._name, self._attempt, batch)
            with self._lock:
                self._changed -= {t.number for t in batch.trials if self.trials[t.number] is t}
                del self._reports[: len(batch.reports)]
                del self._decisions[: len(batch.decisions)]
                del self._worth[: len(batch.worth)]
            return list(batch.trials)

    def table(self, after: int = 0) -> list[Observation]:
        """The observations of the trials ``after`` that number for the policy, by number.

        Only rows that have changed since the last call are made anew.
        """
        with self._lock:
            for number in sorted(self._stale):  # New trials have the highest numbers, so the order is kept.
                self._table[number] = self._track(number).observation(self.trials[number])
            self._stale.clear()
            return [row for row in self._table.values() if row.trial > after]

    def track(self, number: int) -> TrialProgress:
        """The progress of a trial by its reports so far; not to be changed."""
        return self._tracks.get(number) or TrialProgress()

    def epochs(self) -> float:
        """Work of the whole sweep so far in full-data epoch equivalents."""
        return sum(track.budget for track in list(self._tracks.values()))

    def gpu_seconds(self) -> float:
        """GPU time of the whole sweep so far."""
        return sum(trial.gpu_seconds for trial in list(self.trials.values()))

    def reached(self, spec: Spec) -> dict[int, Reached]:
        """The trials that have reached the target, each with the report by which it did."""
        numbers = sorted(self._reached)  # At one stroke: the other thread may add one.
        found = {number: target_reached(spec, self.trials[number], self._tracks[number]) for number in numbers}
        return {number: by for number, by in found.items() if by is not None}

    def finals(self, spec: Spec, round: int) -> dict[int, float]:
        """The values that *best* is chosen among, by trial, of rounds that have the plan of ``round``.

        They are those at the end of the last stage, and those that reached the target in it.
        """
        plan = spec.plan_number(round)
        last = spec.plans[plan].last
        ended = {
            number: track.values[last]
            for number, track in list(self._tracks.items())
            if last in track.values and (row := self.trials[number]).state == "FINISHED"
            if spec.plan_number(row.round) == plan
        }
        reached = {} if spec.target_stage(round) is None else self.reached(spec)
        return ended | {number: by.value for number, by in reached.items()}

    def unfinished(self) -> list[int]:
        """Numbers of the trials that are neither finished, stopped, failed nor cancelled."""
        return sorted(n for n, t in self.trials.items() if t.state in TRIAL_OPEN)

    def _track(self, number: int) -> TrialProgress:
        return self._tracks.setdefault(number, TrialProgress())
