"""Rows to DataFrames with fixed dtypes, whatever the rows hold. Imports pandas: import it late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

TIME = "datetime64[us, UTC]"

SWEEPS = {
    "sweep": "string",
    "state": "string",
    "simulated": "bool",
    "why": "string",
    "task": "string",
    "metric": "string",
    "owner": "string",
    "trials": "int64",
    "finished_trials": "int64",
    "attempt": "int64",
    "seconds": "float64",
    "created": TIME,
    "started": TIME,
    "finished": TIME,
}

QUEUE = {
    "sweep": "string",
    "owner": "string",
    "state": "string",
    "priority": "int64",
    "weight": "float64",
    "slots": "Int64",
    "running": "Int64",
    "wanted": "Int64",
    "waits": "string",
}

STAGES = {
    "stage": "int64",
    "data": "float64",
    "epochs": "int64",
    "trials": "int64",
    "correlation": "float64",
    "low": "float64",
    "high": "float64",
    "pairs": "int64",
    "seconds": "float64",
    "advice": "string",
}

SPACES = {"round": "int64", "parameter": "string", "reason": "string", "undone": "bool", "time": "float64"}

DECISIONS = {"trial": "int64", "stage": "int64", "verdict": "string", "reason": "string", "time": "float64"}


def trial_columns(metric: str) -> dict[str, str]:
    """The columns of a trials' frame whose sweep is measured by ``metric``; those of the config follow the metric."""
    return {
        "trial": "int64",
        metric: "float64",
        "state": "string",
        "stage": "Int64",
        "epoch": "Int64",
        "budget": "float64",
        f"best_{metric}": "float64",
        "round": "int64",
        "why": "string",
        "seconds": "float64",
        "gpu_seconds": "float64",
        "node": "string",
        "checkpoint": "string",
        "error": "string",
        "diagnosis": "string",
        "started": TIME,
        "finished": TIME,
    }


def history_columns(metric: str) -> dict[str, str]:
    """The columns of a history's frame, likewise; other metrics come last."""
    return {
        "trial": "int64",
        metric: "float64",
        "stage": "int64",
        "epoch": "int64",
        "data": "float64",
        "budget": "float64",
        "time": "float64",
        "seconds": "float64",
    }


def of(table: str, metric: str) -> dict[str, str]:
    """The columns that a sweep measured by ``metric`` has in its table of that name for certain, with their dtypes."""
    trials = trial_columns(metric)
    fixed = {"history": history_columns(metric), "decisions": DECISIONS, "stages": STAGES, "spaces": SPACES}
    return {"trials": trials, "best": trials, **fixed}[table]


def frame(rows: Sequence[Mapping[str, Any]], dtypes: Mapping[str, str]) -> pd.DataFrame:
    """A frame of ``rows``; columns that ``dtypes`` does not name are configs and metrics, whose dtype pandas finds.

    Without rows the columns are those of ``dtypes``.
    """
    names = list(rows[0]) if rows else list(dtypes)
    return pd.DataFrame({name: _column([row[name] for row in rows], dtypes.get(name)) for name in names})


def of_columns(columns: Mapping[str, Any]) -> pd.DataFrame:
    """A frame of columns of `service.ledger.results.columns`; null is NaN or NA."""
    return pd.DataFrame({name: _series(values) for name, values in columns.items()})


def _series(values: Any) -> pd.Series:
    if isinstance(values, list):
        return pd.Series(values, dtype=_found(values))
    if str(values.type) == "string":
        return pd.Series(pd.arrays.ArrowStringArray(values.cast("large_string")))
    return pd.Series(values.to_numpy(zero_copy_only=False))


def _column(values: list[Any], dtype: str | None) -> pd.Series:
    if dtype == TIME:
        moments = pd.to_datetime(pd.Series(values, dtype="float64"), unit="s", utc=True)
        return moments.dt.as_unit("us")
    return pd.Series(values, dtype=dtype or _found(values))


def _found(values: list[Any]) -> str | None:
    """The dtype of a column of configs or metrics: numbers, words, or whatever pandas makes of the rest."""
    if values and all(type(value) is int for value in values):
        return "int64"
    if all(value is None or type(value) in (int, float) for value in values):
        return "float64"
    if all(value is None or isinstance(value, str) for value in values):
        return "string"
    return "object" if None in values else None
