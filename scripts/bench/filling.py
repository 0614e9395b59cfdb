"""Fills a store with many sweeps, trials and reports in seconds: the database makes the rows itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from service.ledger.records import SweepRecord
from service.ledger.store.store import Store

LONG, SHORT = "long", "sweep-0000"
"""The sweeps with many reports and with few; the others have none."""

SPEC: dict[str, Any] = {
    "name": "bench",
    "task": "bench:task",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": {
        "lr": {"loguniform": [1e-4, 1.0]},
        "layers": {"randint": [1, 9]},
        "optimizer": {"choice": ["sgd", "adam"]},
    },
    "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 2}],
    "search": {"algorithm": "random", "trials": 1000},
}

SERIES = "with recursive n(i) as (select 1 union all select i + 1 from n where i < {count}) "
TRIALS = """
insert into trials (sweep, number, config, state, stage, round, origin, attempt, why, node, seconds, gpu_seconds,
                    started, finished, skipped)
select s.id, i, {config}, case when i % 4 = 0 then 'FINISHED' else 'STOPPED' end, 1, 0, 'random', 0,
       'stopped after stage 1: rank 19 of 24, the best 6 go on', 'node-' || (i % 8), 12.5, 3.5, 1.7e9 + i,
       1.7e9 + i + 12, {none}
from sweeps s cross join n
"""
REPORTS = """
insert into reports (sweep, trial, stage, epoch, data, budget, metrics, time, stage_end, seconds)
select t.sweep, t.number, case when i <= {count} / 2 then 0 else 1 end, i, 1.0, i * 1.0, {metrics}, i * 2.5,
       i = {count} / 2 or i = {count}, 2.5
from n cross join trials t where t.sweep = (select id from sweeps where name = '{name}') order by i, t.number
"""
CONFIG = """'{"lr": ' || ((i * 7919 % 1000 + 1) / 1000.0) || ', "layers": ' || (i % 8 + 1)
  || ', "optimizer": "' || case when i % 2 = 0 then 'sgd' else 'adam' end || '"}'"""
METRICS = """'{"val_accuracy": ' || (((t.number * 7919 + i * 104729) % 99991) / 99991.0)
  || ', "val_loss": ' || (((t.number * 104729 + i * 7919) % 99991) / 9999.1)
  || ', "train_loss": ' || (((t.number + i * 31) % 997) / 99.7) || '}'"""


@dataclass(frozen=True)
class Sizes:
    """How much there is: ``sweeps`` of ``trials`` trials, one of which has two reports of each, and one that has
    ``reports`` reports in all.
    """

    sweeps: int
    trials: int
    reports: int


def fill(store: Store, sizes: Sizes) -> None:
    """Make all of it; the last four sweeps wait in the queue."""
    for i in range(sizes.sweeps):
        state = "QUEUED" if i >= sizes.sweeps - 4 else "SUCCEEDED"
        store.add(SweepRecord(f"sweep-{i:04d}", SPEC, "/project", f"user-{i % 7}", state, 1.7e9 + i, seconds=60.0))
    store.add(SweepRecord(LONG, SPEC, "/project", "user-0", "SUCCEEDED", 1.8e9, seconds=60.0))
    with store.database.write() as connection:
        if not store.database.is_postgres:
            connection.execute(text("pragma cache_size = -1000000"))  # kB: all indices in memory
        _say(connection, TRIALS, "", sizes.trials)
        _say(connection, REPORTS, SHORT, 2)
        _say(connection, REPORTS, LONG, sizes.reports // sizes.trials)
    with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze" if store.database.is_postgres else "analyze"))
    store.database.engine.dispose()


def _say(connection: Connection, statement: str, name: str, count: int) -> None:
    cast = "cast({} as json)" if connection.dialect.name == "postgresql" else "{}"
    values = {"config": CONFIG, "metrics": METRICS, "none": "'[]'"}
    filled = {name: cast.format(value) for name, value in values.items()}
    connection.execute(text((SERIES + statement).format(**filled, count=count, name=name)))
