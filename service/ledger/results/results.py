"""Results: what the ledger holds as rows, and as pandas DataFrames."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from service.ledger.database import query
from service.ledger.records import Rows, SpaceRecord
from service.ledger.results import latest, rows
from service.ledger.store.store import Store
from service.spec.states import SWEEP_UNDER_WAY

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


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
        sweeps, counts = self._store.sweeps(), self._store.counts()
        return [rows.sweep_row(sweep, counts.get(sweep.name, {})) for sweep in sweeps]

    def queue_rows(self) -> Rows:
        """A row per sweep that waits or runs: higher priority first, then the older."""
        waiting = self._store.sweeps(SWEEP_UNDER_WAY)
        return [rows.queue_row(sweep) for sweep in sorted(waiting, key=lambda sweep: (-sweep.priority, sweep.created))]

    def trial_rows(self, name: str) -> Rows:
        """A row per trial, by number. ``<metric>`` is the newest value, ``best_<metric>`` the best of its newest stage:
        a coarse value never passes for a final one.
        """
        sweep = self._store.sweep(name)
        metric = sweep.spec["metric"]
        by_trial = latest.read(self._store.database, name, metric["name"], metric["goal"] == "maximize")
        trials = self._store.trials(name)  # read after the reports, as in `history_rows`
        configs = rows.keys(trial.config for trial in trials)
        found = [rows.trial_row(trial, by_trial.get(trial.number), metric["name"], configs) for trial in trials]
        for row in found:
            if rows.is_in(row, "PENDING") and not row["why"]:
                row["why"] = rows.waits(sweep)
        return found

    def history_rows(self, name: str) -> Rows:
        """A row per report, in the order they came in."""
        reports = self._store.reports(name)
        trials = self._store.trials(name)  # read after the reports: a live head adds trials, and each has its row first
        configs = rows.keys(trial.config for trial in trials)
        metrics = rows.keys(report.metrics for report in reports)
        by_number = {trial.number: trial.config for trial in trials}
        return [rows.report_row(report, by_number[report.trial], configs, metrics) for report in reports]

    def best_rows(self, name: str, n: int = 1) -> Rows:
        """The ``n`` best of the trials that finished the last stage, best first; ties go to the quicker one.

        Where rounds have stages of their own, they are those of the newest plan that a trial has finished.
        """
        spec = self._store.sweep(name).spec
        metric, sign = spec["metric"]["name"], -1.0 if spec["metric"]["goal"] == "maximize" else 1.0
        done = [row for row in self.trial_rows(name) if rows.is_in(row, "FINISHED") and rows.is_finite(row[metric])]
        newest = max((rows.plan_number(spec, row["round"]) for row in done), default=0)
        comparable = [row for row in done if rows.plan_number(spec, row["round"]) == newest]
        return sorted(comparable, key=lambda row: (sign * row[metric], row["seconds"]))[:n]

    def decision_rows(self, name: str) -> Rows:
        """A row per decision, in the order they fell; its numbers under ``numbers/``."""
        decisions = self._store.decisions(name)
        keys = rows.keys(decision.numbers for decision in decisions)
        return [
            {"trial": d.trial, "stage": d.stage, "verdict": d.verdict, "reason": d.reason, "time": d.time}
            | {f"numbers/{key}": d.numbers.get(key) for key in keys}
            for d in decisions
        ]

    def stage_rows(self, name: str) -> Rows:
        """A row per stage: its plan, how many trials ended it, and the newest estimate of its worth.

        Where rounds have stages of their own, those of the newest round, and what was measured by that plan.
        """
        spec, trials = self._store.sweep(name).spec, self._store.trials(name)
        newest = rows.plan_number(spec, max((trial.round for trial in trials), default=0))
        members = {trial.number for trial in trials if rows.plan_number(spec, trial.round) == newest}
        reports = [report for report in self._store.reports(name) if report.trial in members]
        ended = Counter(report.stage for report in reports if report.stage_end)
        since = min((report.time for report in reports), default=math.inf) if newest else 0.0
        worth = {estimate.stage: estimate for estimate in self._store.worth(name) if estimate.time >= since}
        stages = [spec["stages"], *rows.own_stages(spec)][newest]
        return [rows.stage_row(i, stage, ended[i], worth.get(i)) for i, stage in enumerate(stages)]

    def space_rows(self, name: str) -> Rows:
        """A row per round and parameter, in order; ``from`` and ``to`` are samplers in YAML form.

        ``from`` is None where a space is not made from the one before: in round 0, and where it came back after an
        undone narrowing; ``to`` is None where the parameter is gone.
        """
        sweep = self._store.sweep(name)
        found = rows.space_rows(SpaceRecord(0, sweep.spec["parameters"], [], time=0.0), "as in the spec")
        for space in self._store.spaces(name):
            found += rows.space_rows(space, "as before the narrowing was undone")
        return found

    def queue(self) -> pd.DataFrame:
        """`queue_rows` as a DataFrame."""
        from service.ledger.results import frames

        return frames.frame(self.queue_rows(), frames.QUEUE)

    def sweeps(self) -> pd.DataFrame:
        """`sweep_rows` as a DataFrame."""
        from service.ledger.results import frames

        return frames.frame(self.sweep_rows(), frames.SWEEPS)

    def trials(self, name: str) -> pd.DataFrame:
        """`trial_rows` as a DataFrame."""
        return self._trial_frame(name, self.trial_rows(name))

    def best(self, name: str, n: int = 1) -> pd.DataFrame:
        """`best_rows` as a DataFrame with the columns of `trials`; empty while no trial finished the last stage."""
        return self._trial_frame(name, self.best_rows(name, n))

    def history(self, name: str) -> pd.DataFrame:
        """`history_rows` as a DataFrame, a million rows in seconds."""
        from service.ledger.results import frames

        return frames.of_columns(self._history(name))

    def history_table(self, name: str) -> pa.Table:
        """`history_rows` as an Arrow table with the columns of `history`; null is missing, NaN is no number.

        A column whose values are of several types is text, each value as JSON.
        """
        import pyarrow as pa

        from service.ledger.results import columns

        return pa.table({key: columns.arrow(values) for key, values in self._history(name).items()})

    def decisions(self, name: str) -> pd.DataFrame:
        """`decision_rows` as a DataFrame."""
        from service.ledger.results import frames

        return frames.frame(self.decision_rows(name), frames.DECISIONS)

    def stages(self, name: str) -> pd.DataFrame:
        """`stage_rows` as a DataFrame."""
        from service.ledger.results import frames

        return frames.frame(self.stage_rows(name), frames.STAGES)

    def spaces(self, name: str) -> pd.DataFrame:
        """`space_rows` as a DataFrame."""
        from service.ledger.results import frames

        return frames.frame(self.space_rows(name), frames.SPACES)

    def sql(self, statement: str) -> pd.DataFrame:
        """The answer to a read-only query over the tables sweeps, trials, reports, decisions, spaces, worth.

        Raises:
            UserError: the statement is wrong or would change something.
        """
        import pandas as pd

        columns, rows = query.run(self._store.database, statement)
        return pd.DataFrame(rows, columns=columns)

    def _history(self, name: str) -> dict[str, Any]:
        """The columns of the history; that of the metric holds floats, and is there before the first report, too."""
        from service.ledger.results import columns, history

        metric = self._store.sweep(name).spec["metric"]["name"]
        found = history.read(self._store.database, name)
        if metric in found or not len(found["trial"]):
            found[metric] = columns.floats(found.get(metric, []))
        return found

    def _trial_frame(self, name: str, rows: Rows) -> pd.DataFrame:
        from service.ledger.results import frames

        metric = self._store.sweep(name).spec["metric"]["name"]
        return frames.frame(rows, frames.trial_columns(metric))
