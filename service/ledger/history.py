"""All reports of a sweep as columns: a million in seconds. Imports pyarrow: import it late."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from sqlalchemy import Connection, select, text

from service.ledger import columns, tables
from service.ledger.access import find
from service.ledger.database import Database, patient
from service.ledger.rows import keys

CHUNK = 50_000
"""Rows that are held as Python objects at once."""

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
"""What parts the values in a line of text: JSON writes signs like it, and the end of a line, in other ways."""

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
        chunks = list(_postgres(connection, sweep) if database.is_postgres else _sqlite(connection, sweep))
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


def _sqlite(connection: Connection, sweep: int) -> Iterator[pa.Table]:
    """The rows of the driver as they are: all that SQLAlchemy adds to each costs more than the rest."""
    driver: Any = connection.connection.driver_connection
    cursor = driver.execute(f"select {', '.join(STORED)} from reports where sweep = ? order by id", (sweep,))
    while rows := cursor.fetchmany(CHUNK):
        yield pa.Table.from_struct_array(pa.array(rows, pa.struct(STORED.items())))


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
