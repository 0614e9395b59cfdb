"""Results: what the ledger holds as rows, and as pandas DataFrames."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from service.ledger.database import query
from service.ledger.records import Rows, SpaceRecord
from service.ledger.results import latest, rows
from service.ledger.store.store import Store
from service.states import SWEEP_UNDER_WAY

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Results:
    """The results of all sweeps in a store. Made by `service.results`.

    ``*_rows`` are lists of dicts with None for what is missing; the DataFrames have the same columns with fixed dtypes,
    and NaN or NA for what is missing, never 0. pandas is imported by the DataFrames alone. Every method that takes a
    sweep's name raises UnknownSweep if there is none.

    Units: ``data`` is a fraction of the training data, ``budget`` is full-data epoch equivalents (fraction x epochs,
    summed), ``seconds`` is a duration, ``time`` is seconds of the sweep's running time, ``created``, ``started`` and
    ``finished`` are moments in UTC. Configs are columns ``config/NAME``, with the dtype that their values have.

    >>> import service
    >>> spec = {
    ...     "name": "moons",
    ...     "task": "moons:Moons",
    ...     "metric": {"name": "accuracy", "goal": "maximize"},
    ...     "parameters": {"lr": {"uniform": [0.0, 1.0]}},
    ...     "stages": [{"data": 0.25, "epochs": 1}, {"data": 1.0, "epochs": 4}],
    ...     "search": {"algorithm": "sobol", "trials": 4},
    ... }
    >>> _ = service.simulate(spec, lambda config, data, epoch: (config["lr"], 10.0 * data))
    >>> results = service.results()
    >>> results.sweeps()[["sweep", "state", "trials"]]
       sweep      state  trials
    0  moons  SUCCEEDED       4
    >>> results.history("moons").groupby("stage")["budget"].max().to_dict()
    {0: 0.25, 1: 4.25}
    >>> results.best("moons")[["stage", "epoch", "why"]].shape
    (1, 3)
    >>> results.sql("select count(*) as reports from reports")
       reports
    0        8
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
        metric = self._store.sweep(name).spec["metric"]["name"]
        metrics = list(dict.fromkeys([metric, *rows.keys(report.metrics for report in reports)]))
        by_number = {trial.number: trial.config for trial in trials}
        return [rows.report_row(report, by_number[report.trial], configs, metrics) for report in reports]

    def best_rows(self, name: str, n: int = 1) -> Rows:
        """The ``n`` best of the trials that finished the last stage, best first; ties go to the quicker one.

        A trial that reached the target before that stage's end, where it was stopped, is among them. Where rounds have
        stages of their own, they are those of the newest plan that a trial has finished.
        """
        spec = self._store.sweep(name).spec
        metric, sign = spec["metric"]["name"], -1.0 if spec["metric"]["goal"] == "maximize" else 1.0
        done = [row for row in self.trial_rows(name) if rows.is_final(row, spec)]
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

    def _repr_html_(self) -> str:
        """A table with a row per sweep, for a notebook."""
        return str(self.sweeps().to_html(index=False))

    def queue(self) -> pd.DataFrame:
        """A row per sweep that waits or runs: higher priority first, then the older.

        Columns: ``sweep`` string, ``owner`` string, ``state`` string, ``priority`` int64, ``weight`` float64,
        ``slots`` Int64 (trials that may train at once; NA: as many as fit), ``running`` Int64, ``wanted`` Int64 (trials
        that train, and that could), ``waits`` string (why it has no more).
        """
        from service.ledger.results import frames

        return frames.frame(self.queue_rows(), frames.QUEUE)

    def sweeps(self) -> pd.DataFrame:
        """A row per sweep, oldest first.

        Columns: ``sweep`` string, ``state`` string, ``simulated`` bool, ``why`` string (the reason of the state),
        ``task`` string, ``metric`` string, ``owner`` string, ``trials`` int64, ``finished_trials`` int64 (those that
        ended the last stage), ``attempt`` int64 (heads so far), ``seconds`` float64 (of all its heads),
        ``created`` datetime64[us, UTC], ``started`` datetime64[us, UTC], ``finished`` datetime64[us, UTC].
        """
        from service.ledger.results import frames

        return frames.frame(self.sweep_rows(), frames.SWEEPS)

    def trials(self, name: str) -> pd.DataFrame:
        """A row per trial, by number.

        Columns: ``trial`` int64, ``METRIC`` float64 (the newest value), ``config/NAME``, ``state`` string, ``stage``
        Int64, ``epoch`` Int64, ``budget`` float64, ``best_METRIC`` float64 (the best of its newest stage), ``round``
        int64, ``why`` string (the reason of the newest verdict, or what it waits for), ``seconds`` float64,
        ``gpu_seconds`` float64, ``node`` string, ``checkpoint`` string (a path), ``error`` string (a traceback),
        ``diagnosis`` string, ``started`` datetime64[us, UTC], ``finished`` datetime64[us, UTC].
        """
        return self._trial_frame(name, self.trial_rows(name))

    def best(self, name: str, n: int = 1) -> pd.DataFrame:
        """The ``n`` (1) best of the trials that finished the last stage, best first; ties go to the quicker one.

        A trial that reached the target before that stage's end, where it was stopped, is among them: its ``state`` and
        ``epoch`` tell. The columns are those of `trials`. Empty while no trial has finished the last stage.
        """
        return self._trial_frame(name, self.best_rows(name, n))

    def history(self, name: str) -> pd.DataFrame:
        """A row per report, in the order they came in; a million of them in seconds.

        Columns: ``trial`` int64, ``METRIC`` float64, ``config/NAME``, ``stage`` int64, ``epoch`` int64 (passes so far),
        ``data`` float64, ``budget`` float64, ``time`` float64, ``seconds`` float64 (of this report), and every other
        metric.
        """
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
        """A row per decision, in the order they fell: verdicts, promotions, and those on GPUs and nodes.

        Columns: ``trial`` int64, ``stage`` int64, ``verdict`` string (such as continue, pause, promote, stop, finish),
        ``reason`` string, ``time`` float64, and the numbers of the reason as ``numbers/NAME``.
        """
        from service.ledger.results import frames

        return frames.frame(self.decision_rows(name), frames.DECISIONS)

    def stages(self, name: str) -> pd.DataFrame:
        """A row per stage of the newest round's plan, with the newest estimate of its worth.

        Columns: ``stage`` int64, ``data`` float64, ``epochs`` int64, ``trials`` int64 (those that ended it),
        ``correlation`` float64 (rank correlation with the last stage), ``low`` float64, ``high`` float64 (its 95 %
        interval), ``pairs`` int64 (trials that ended this stage and the next one), ``seconds`` float64 (the median),
        ``advice`` string.
        """
        from service.ledger.results import frames

        return frames.frame(self.stage_rows(name), frames.STAGES)

    def spaces(self, name: str) -> pd.DataFrame:
        """A row per round and parameter, in order; ``from`` and ``to`` are samplers in YAML form (objects).

        Columns: ``round`` int64, ``parameter`` string, ``from``, ``to``, ``reason`` string, ``undone`` bool,
        ``time`` float64.
        """
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
        """The columns of the history: trial, metric as floats, config, and then the others."""
        from service.ledger.results import columns, frames, history

        metric = self._store.sweep(name).spec["metric"]["name"]
        found = history.read(self._store.database, name)
        found[metric] = columns.floats(found.get(metric, [None] * len(found["trial"])))
        configs = [key for key in found if key.startswith("config/")]
        leading = ["trial", metric, *configs, *frames.history_columns(metric)]
        return {key: found[key] for key in dict.fromkeys([*leading, *found])}

    def _trial_frame(self, name: str, rows: Rows) -> pd.DataFrame:
        from service.ledger.results import frames

        metric = self._store.sweep(name).spec["metric"]["name"]
        return frames.frame(rows, frames.trial_columns(metric))
