"""The head's memory of its sweep: read from the ledger once, kept as things happen, written back in batches."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from service.ledger.records import Batch, DecisionRecord, ReportRecord, TrialRecord
from service.ledger.store import Store
from service.policy.observation import Observation

OPEN = ("PENDING", "RUNNING", "PAUSED")


class Journal:
    """Trials by number, and what is not yet in the ledger.

    Everything that belongs to one event (a report, the verdict on it, the trial's new state) goes into one batch, so
    that a killed head leaves either all of it or nothing. Safe to use from the Tune loop and the writing thread.
    """

    def __init__(self, store: Store, name: str, attempt: int) -> None:
        self._store = store
        self._name = name
        self._attempt = attempt
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self.trials: dict[int, TrialRecord] = {t.number: t for t in store.trials(name)}
        self._values: dict[int, dict[int, float]] = {}
        self._reported: dict[int, tuple[int, int]] = {}
        self._budget: dict[int, float] = {}
        self._curves: dict[int, dict[int, list[dict[str, float]]]] = {}
        self._changed: set[int] = set()
        self._reports: list[ReportRecord] = []
        self._decisions: list[DecisionRecord] = []

    def remember(self, report: ReportRecord, metric: str, done_in_stage: int) -> None:
        """Take ``report`` into the tables that searchers and limits read."""
        self._reported[report.trial] = (report.stage, done_in_stage)
        self._budget[report.trial] = max(report.budget, self._budget.get(report.trial, 0.0))
        self._curves.setdefault(report.trial, {}).setdefault(report.stage, []).append(report.metrics)
        if report.stage_end:
            value = report.metrics.get(metric, float("nan"))
            self._values.setdefault(report.trial, {})[report.stage] = value

    def record(
        self,
        trial: TrialRecord,
        reports: Iterable[ReportRecord] = (),
        decisions: Iterable[DecisionRecord] = (),
    ) -> None:
        """One event: the trial's new row with the reports and decisions that belong to it."""
        with self._lock:
            self.trials[trial.number] = trial
            self._changed.add(trial.number)
            self._reports.extend(reports)
            self._decisions.extend(decisions)

    def change(self, number: int, **fields: Any) -> TrialRecord:
        """Record new values for some fields of a trial; returns the new row."""
        trial = replace(self.trials[number], **fields)
        self.record(trial)
        return trial

    def flush(self) -> None:
        """Write what is new to the ledger in one transaction; on an error it is kept for the next try.

        Raises:
            DiskFull: the ledger cannot grow.
            LostClaim: another head has taken the sweep over.
        """
        with self._writing:
            with self._lock:
                batch = Batch(
                    [self.trials[n] for n in sorted(self._changed)], list(self._reports), list(self._decisions)
                )
            if not (batch.trials or batch.reports or batch.decisions):
                return
            self._store.append(self._name, self._attempt, batch)
            with self._lock:
                self._changed -= {t.number for t in batch.trials if self.trials[t.number] is t}
                del self._reports[: len(batch.reports)]
                del self._decisions[: len(batch.decisions)]

    def table(self) -> list[Observation]:
        """What the searcher may see, by trial number."""
        return [
            Observation(t.number, t.config, t.state, dict(self._values.get(t.number, {})))
            for t in sorted(self.trials.values(), key=lambda t: t.number)
        ]

    def reported(self, number: int) -> tuple[int, int] | None:
        """(stage, epochs done in it) of the newest report of a trial."""
        return self._reported.get(number)

    def curve(self, number: int, stage: int) -> list[dict[str, float]]:
        """The metrics of a trial's reports in one stage, oldest first."""
        return self._curves.get(number, {}).get(stage, [])

    def epochs(self) -> float:
        """Work of the whole sweep so far in full-data epoch equivalents."""
        return sum(self._budget.values())

    def finished(self, metric_stage: int) -> dict[int, float]:
        """The metric at the end of the last stage of each finished trial."""
        return {
            n: self._values[n][metric_stage]
            for n, t in self.trials.items()
            if t.state == "FINISHED" and metric_stage in self._values.get(n, {})
        }

    def unfinished(self) -> list[int]:
        """Numbers of the trials that are neither finished, stopped, failed nor cancelled."""
        return sorted(n for n, t in self.trials.items() if t.state in OPEN)
