"""All reports of a sweep as columns: a million in seconds. Imports pyarrow: import it late."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from sqlalchemy import URL, Connection, select, text

from service.ledger.database import tables
from service.ledger.database.database import Database, patient
from service.ledger.results import columns
from service.ledger.results.rows import keys
from service.ledger.store.access import find

CHUNK = 50_000
"""Rows that are held as Python objects at once."""

BATCH = "adbc.sqlite.query.batch_rows"

FIXED = {
    "trial": pa.int64(),
    "stage": pa.int64(),
    "data": pa.float64(),
    "epoch": pa.int64(),
    "budget": pa.float64(),
    "time": pa.float64(),
    "seconds": pa.float64(),
}
STORED = {**FIXED, "metrics": pa.string()}
BETWEEN = "\x1f"
"""The separator of the values in a line of text; JSON escapes it, as it does newlines."""

LINES = f"""
select max(id), string_agg(concat_ws(:between, {", ".join(STORED)}), chr(10))
from (select * from reports where sweep = :sweep and id > :last order by id limit :count) as chunk
"""


@patient
def read(database: Database, name: str) -> dict[str, Any]:
    """The columns of `Results.history` by name: Arrow arrays, or lists where the values have several types.

    Raises:
        UnknownSweep: there is no such sweep.
    """
    with database.read() as connection:
        sweep = find(connection, name, columns=[tables.sweeps.c.id]).id
        chunks = list(_postgres(connection, sweep) if database.is_postgres else _sqlite(database.url, sweep))
    with database.read() as connection:  # After the reports: a live head adds trials, and each has its row first.
        configs = _configs(connection, sweep)
    stored = pa.concat_tables(chunks) if chunks else pa.schema(STORED.items()).empty_table()
    found: dict[str, Any] = {key: stored[key] for key in FIXED}
    numbers = pc.unique(stored["trial"])
    positions = pc.index_in(stored["trial"], numbers).combine_chunks()
    present = [configs.get(number, {}) for number in numbers.to_pylist()]
    for key in keys(configs.values()) if present else ():
        found[f"config/{key}"] = columns.spread([config.get(key) for config in present], positions)
    return found | columns.metrics(chunk["metrics"].combine_chunks() for chunk in chunks)


def _configs(connection: Connection, sweep: int) -> dict[int, dict[str, Any]]:
    trials = tables.trials.c
    query = select(trials.number, trials.config).where(trials.sweep == sweep).order_by(trials.number)
    return {row.number: row.config for row in connection.execute(query)}


def _sqlite(url: URL, sweep: int) -> Iterator[pa.Table]:
    """The rows as Arrow's own driver reads them: to make Python objects of them takes longer than all the rest."""
    uri = f"{Path(str(url.database)).resolve().as_uri()}?mode=ro"
    try:
        with adbc.connect(uri) as connection, connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{BATCH: CHUNK})
            cursor.execute(f"select {', '.join(STORED)} from reports where sweep = ? order by id", (sweep,))
            for batch in cursor.fetch_record_batch():
                yield pa.Table.from_batches([batch]).cast(pa.schema(STORED.items()))
    except adbc.Error as error:
        raise sqlite3.OperationalError(str(error)) from error  # which `Database.read` tells in words


def _postgres(connection: Connection, sweep: int) -> Iterator[pa.Table]:
    """As text that the server makes, many rows in one answer, and Arrow reads: a row by itself costs the driver more
    than all that is in it. Its floats are exact.
    """
    last = 0
    while True:
        values = {"between": BETWEEN, "sweep": sweep, "last": last, "count": CHUNK}
        last, lines = connection.execute(text(LINES), values).one()
        if lines is None:
            return
        yield pyarrow.csv.read_csv(
            io.BytesIO(lines.encode()),
            read_options=pyarrow.csv.ReadOptions(column_names=[*STORED], block_size=1 << 30),
            parse_options=pyarrow.csv.ParseOptions(delimiter=BETWEEN, quote_char=False),
            convert_options=pyarrow.csv.ConvertOptions(column_types=STORED),
        )
