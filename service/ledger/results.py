"""Results: what the ledger holds as rows, and as pandas DataFrames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from service.ledger import query
from service.ledger.records import ReportRecord, SweepRecord, TrialRecord
from service.ledger.store import Store

if TYPE_CHECKING:
    import pandas as pd

Rows = list[dict[str, Any]]


class Results:
    """The results of all sweeps in a store.

    ``*_rows`` are lists of dicts with None for what is missing; the DataFrames have the same columns with fixed dtypes,
    and NaN or NA for what is missing, never 0. pandas is imported by the DataFrames alone. Every method that takes a
    sweep's name raises UnknownSweep if there is none.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def sweep_rows(self) -> Rows:
        """A row per sweep, oldest first."""
        return [_sweep_row(sweep, self._store.trials(sweep.name)) for sweep in self._store.sweeps()]

    def trial_rows(self, name: str) -> Rows:
        """A row per trial, by number. ``<metric>`` is the newest value, ``best_<metric>`` the best of its newest stage:
        a coarse value never passes for a final one.
        """
        metric = self._store.sweep(name).spec["metric"]
        reports: dict[int, list[ReportRecord]] = {}
        for report in self._store.reports(name):
            reports.setdefault(report.trial, []).append(report)
        trials = self._store.trials(name)
        configs = _keys(trial.config for trial in trials)
        return [_trial_row(trial, reports.get(trial.number, []), metric, configs) for trial in trials]

    def history_rows(self, name: str) -> Rows:
        """A row per report, in the order they came in."""
        reports = self._store.reports(name)
        trials = self._store.trials(name)  # read after the reports: a live head adds trials, and each has its row first
        configs = _keys(trial.config for trial in trials)
        metrics = _keys(report.metrics for report in reports)
        by_number = {trial.number: trial.config for trial in trials}
        return [_report_row(report, by_number[report.trial], configs, metrics) for report in reports]

    def best_rows(self, name: str, n: int = 1) -> Rows:
        """The ``n`` best of the trials that finished the last stage, best first; ties go to the quicker one."""
        metric = self._store.sweep(name).spec["metric"]
        sign = -1.0 if metric["goal"] == "maximize" else 1.0
        done = [row for row in self.trial_rows(name) if row["state"] == "FINISHED" and _is_finite(row[metric["name"]])]
        return sorted(done, key=lambda row: (sign * row[metric["name"]], row["seconds"]))[:n]

    def decision_rows(self, name: str) -> Rows:
        """A row per decision, in the order they fell; its numbers under ``numbers/``."""
        decisions = self._store.decisions(name)
        keys = _keys(decision.numbers for decision in decisions)
        return [
            {"trial": d.trial, "stage": d.stage, "verdict": d.verdict, "reason": d.reason, "time": d.time}
            | {f"numbers/{key}": d.numbers.get(key) for key in keys}
            for d in decisions
        ]

    def sweeps(self) -> pd.DataFrame:
        """`sweep_rows` as a DataFrame."""
        from service.ledger import frames

        return frames.frame(self.sweep_rows(), frames.SWEEPS)

    def trials(self, name: str) -> pd.DataFrame:
        """`trial_rows` as a DataFrame."""
        return self._trial_frame(name, self.trial_rows(name))

    def best(self, name: str, n: int = 1) -> pd.DataFrame:
        """`best_rows` as a DataFrame with the columns of `trials`; empty while no trial finished the last stage."""
        return self._trial_frame(name, self.best_rows(name, n))

    def history(self, name: str) -> pd.DataFrame:
        """`history_rows` as a DataFrame."""
        from service.ledger import frames

        metric = self._store.sweep(name).spec["metric"]["name"]
        return frames.frame(self.history_rows(name), frames.HISTORY | {metric: "float64"})

    def decisions(self, name: str) -> pd.DataFrame:
        """`decision_rows` as a DataFrame."""
        from service.ledger import frames

        return frames.frame(self.decision_rows(name), frames.DECISIONS)

    def sql(self, statement: str) -> pd.DataFrame:
        """The answer to a read-only query over the tables sweeps, trials, reports, decisions.

        Raises:
            UserError: the statement is wrong or would change something.
        """
        import pandas as pd

        columns, rows = query.run(self._store.database, statement)
        return pd.DataFrame(rows, columns=columns)

    def _trial_frame(self, name: str, rows: Rows) -> pd.DataFrame:
        from service.ledger import frames

        metric = self._store.sweep(name).spec["metric"]["name"]
        return frames.frame(rows, frames.trial_columns(metric))


def _sweep_row(sweep: SweepRecord, trials: Sequence[TrialRecord]) -> dict[str, Any]:
    return {
        "sweep": sweep.name,
        "state": sweep.state,
        "why": sweep.why,
        "task": sweep.spec["task"],
        "metric": sweep.spec["metric"]["name"],
        "owner": sweep.owner,
        "trials": len(trials),
        "finished_trials": sum(trial.state == "FINISHED" for trial in trials),
        "attempt": sweep.attempt,
        "seconds": sweep.seconds,
        "created": sweep.created,
        "started": sweep.started,
        "finished": sweep.finished,
    }


def _trial_row(
    trial: TrialRecord, reports: Sequence[ReportRecord], metric: dict[str, Any], configs: Sequence[str]
) -> dict[str, Any]:
    name = metric["name"]
    newest_stage = [report for report in reports if report.stage == reports[-1].stage]
    values = [report.metrics[name] for report in newest_stage if name in report.metrics]
    choose = max if metric["goal"] == "maximize" else min
    newest = reports[-1] if reports else None
    return {
        "trial": trial.number,
        "state": trial.state,
        "why": trial.why,
        "stage": newest.stage if newest else None,
        "epoch": newest.epoch if newest else None,
        "budget": newest.budget if newest else None,
        name: values[-1] if values else None,
        f"best_{name}": choose(filter(_is_finite, values), default=None),
        **{f"config/{key}": trial.config.get(key) for key in configs},
        "seconds": trial.seconds,
        "gpu_seconds": trial.gpu_seconds,
        "node": trial.node,
        "checkpoint": trial.checkpoint,
        "error": trial.error,
        "diagnosis": trial.diagnosis,
        "started": trial.started,
        "finished": trial.finished,
    }


def _report_row(
    report: ReportRecord, config: dict[str, Any], configs: Sequence[str], metrics: Sequence[str]
) -> dict[str, Any]:
    return {
        "trial": report.trial,
        "stage": report.stage,
        "data": report.data,
        "epoch": report.epoch,
        "budget": report.budget,
        "time": report.time,
        **{f"config/{key}": config.get(key) for key in configs},
        **{key: report.metrics.get(key) for key in metrics},
    }


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _keys(mappings: Any) -> list[str]:
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))
