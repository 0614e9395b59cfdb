"""The newest report and best value of each trial of a sweep, in one pass over its reports."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Connection, func, select, type_coerce

from service.ledger.database import tables
from service.ledger.database.column_types import is_word
from service.ledger.database.database import Database, patient
from service.ledger.records import Latest
from service.ledger.results.rows import is_finite
from service.ledger.store.access import find

_reports = tables.reports.c


@patient
def read(database: Database, name: str, metric: str, highest: bool) -> dict[int, Latest]:
    """By trial, for all that have reported; the ``highest`` value is the best one, or the lowest.

    Raises:
        UnknownSweep: there is no such sweep.
    """
    found: dict[int, Latest] = {}
    with database.read() as connection:
        sweep = find(connection, name, columns=[tables.sweeps.c.id]).id
        query = select(
            _reports.trial, _reports.stage, _reports.epoch, _reports.budget, _value(connection, metric)
        ).where(_reports.sweep == sweep)
        for trial, stage, epoch, budget, value in connection.execute(query.order_by(_reports.id)):
            known = found.get(trial)
            if known is None or known.stage != stage:
                known = found[trial] = Latest(stage, epoch, budget)
            else:
                known.epoch, known.budget = epoch, budget
            if isinstance(value, dict):
                value = value.get(metric)
            if value is not None:
                _take(known, float(value) if is_word(value) else value, highest)
    return found


def _take(known: Latest, value: Any, highest: bool) -> None:
    known.value = value
    if is_finite(value) and (known.best is None or (value > known.best if highest else value < known.best)):
        known.best = value


def _value(connection: Connection, metric: str) -> Any:
    """The metric as a number, or as the word that stands for one that is not finite; all metrics where SQLite cannot
    pick one: it looks for names as they are written in JSON, which has more than ASCII and quotes in other signs.
    """
    if connection.dialect.name == "postgresql":
        return type_coerce(_reports.metrics, JSON).op("->")(metric)
    plain = metric.isascii() and metric.isprintable() and not set(metric) & {'"', "\\"}
    return func.json_extract(_reports.metrics, f'$."{metric}"') if plain else _reports.metrics
