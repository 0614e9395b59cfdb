"""The curves in a Parquet file: one row per config and fidelity, as `sieve export --what history` writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.engine.curves import Measurement
from service.engine.curves.recorded import Fidelity, Recorded, fidelity, key, recorded
from service.spec import Spec
from service.spec.errors import UserError, nearest
from service.spec.space.parameter import Parameter

PREFIX = "config/"
EXPORT = "sieve export NAME --what history --format parquet"


def read(spec: Spec, path: Path) -> Recorded:
    """The rows of ``path`` as curves for ``spec``.

    Columns: each parameter as ``config/NAME`` or ``NAME`` (null where it does not apply), ``data`` (fraction),
    ``epoch`` (so far, from 1; within the stage where that starts fresh), the metric (null or NaN: not a number),
    ``seconds`` (what this epoch took, or all since the row before of that config and stage), ``classes`` where a stage
    names classes. Rows of one ``trial``, if there is such a column, belong together; else rows of one config do.

    Raises:
        UserError: it cannot be read, or lacks a column, a value or a fidelity that ``spec`` needs.
    """
    table = _Table(spec, str(path), *_rows(path))
    table.check()
    found = recorded(spec, table.curves(), table.source)
    return Recorded(found.configs, found.points, (*found.notes, *table.notes()))


@dataclass(frozen=True)
class _Table:
    """The rows of a file, and where each parameter is in them."""

    spec: Spec
    source: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]

    def check(self) -> None:
        """Every column is there and has what it must have in every row."""
        metric = self.spec.metric.name
        needed = ["data", "epoch", "seconds", metric]
        if any(stage.classes for stage in self.spec.plan.stages):
            needed.append("classes")
        for name in needed:
            if name not in self.columns:
                raise self._lacks(name)
        for parameter in self.spec.space.parameters:
            if self._column(parameter.name) is None:
                raise self._lacks(f"{PREFIX}{parameter.name}")
        for number, row in enumerate(self.rows, start=1):
            self._check_row(number, row)
        if all(_is_missing(row[metric]) for row in self.rows):
            raise UserError(f"{self.source}: the column {metric} holds no number", "fill it in, or name another metric")

    def curves(self) -> list[tuple[dict[str, Any], dict[Fidelity, Measurement]]]:
        """Each config with its measurements."""
        found: dict[str, tuple[dict[str, Any], dict[Fidelity, Measurement]]] = {}
        for number, row in enumerate(self.rows, start=1):
            config = self._config(row)
            _, points = found.setdefault(key({"trial": row.get("trial"), "config": config}), (config, {}))
            place = self._place(row)
            if place in points and not self._restarts:
                raise UserError(
                    f"{self.source}: row {number} repeats data {row['data']:g}, epoch {row['epoch']} of {config}",
                    "keep one row for each config and fidelity",
                )
            points[place] = Measurement({self.spec.metric.name: _number(row[self.spec.metric.name])}, row["seconds"])
        return list(found.values())

    def notes(self) -> list[str]:
        """What was read into the rows, in words."""
        metric = self.spec.metric.name
        count = sum(_is_missing(row[metric]) for row in self.rows)
        return [f"{count} rows have no {metric}: taken as not a number, which ends a trial"] if count else []

    @property
    def _restarts(self) -> bool:
        """Whether a trial may pass the same fidelity twice."""
        return any(stage.start == "fresh" for stage in self.spec.plan.stages)

    def _config(self, row: Mapping[str, Any]) -> dict[str, Any]:
        known = self.spec.space.parameters
        config = {p.name: _value(p, row[str(self._column(p.name))]) for p in known}
        prefixed = [name.removeprefix(PREFIX) for name in self.columns if name.startswith(PREFIX)]
        config.update({name: row[PREFIX + name] for name in prefixed if name not in config})
        return {name: value for name, value in config.items() if not _is_missing(value)}

    def _column(self, parameter: str) -> str | None:
        return next((name for name in (PREFIX + parameter, parameter) if name in self.columns), None)

    def _place(self, row: Mapping[str, Any]) -> Fidelity:
        classes = row.get("classes")
        return fidelity(row["data"], None if _is_missing(classes) else int(str(classes)), int(row["epoch"]))

    def _check_row(self, number: int, row: Mapping[str, Any]) -> None:
        for name in ("data", "epoch", "seconds"):
            value = row[name]
            if _is_missing(value) or not isinstance(value, (int, float)) or value < 0 or math.isinf(value):
                cure = "it is a number >= 0 in every row: fill it in, or leave the row out"
                raise UserError(f"{self.source}: row {number} has {name} {value!r}", cure)
        if int(row["epoch"]) != row["epoch"]:
            raise UserError(f"{self.source}: row {number} has epoch {row['epoch']!r}", "epochs are whole numbers")

    def _lacks(self, column: str) -> UserError:
        similar = nearest(column, self.columns)
        cure = f"add it, or write the file with a newer `{EXPORT}`"
        return UserError(f"{self.source} has no column {column}{similar}, only {', '.join(self.columns)}", cure)


def _rows(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    import pyarrow
    from pyarrow import parquet

    if not path.is_file():
        beside = [other.name for other in path.parent.glob("*.parquet")] if path.parent.is_dir() else []
        raise UserError(f"there is no file {str(path)!r}{nearest(path.name, beside)}", "check the path")
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"cannot read {path}: {error}", f"write it with `{EXPORT}` or pandas' to_parquet") from error
    if not table.num_rows:
        raise UserError(f"{path} has no rows", "give it one for each config and fidelity")
    return list(table.column_names), table.to_pylist()


def _value(parameter: Parameter, raw: Any) -> Any:
    """``raw`` as the parameter has it; an export writes choices of several types as JSON."""
    if parameter.kind in ("choice", "grid_search") and isinstance(raw, str) and raw not in parameter.args:
        try:
            return json.loads(raw)
        except ValueError:
            return raw
    return raw


def _number(value: Any) -> float:
    if _is_missing(value):
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"the metric is {value!r} in a row of the table", "make its column one of numbers")
    return float(value)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
