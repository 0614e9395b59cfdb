"""Frames as Arrow tables and back, without loss: what a column of a table cannot hold as it is goes as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import pandas as pd
import pyarrow as pa

from service.ledger import frames

STREAM = "application/vnd.apache.arrow.stream"
ENCODED = {b"sieve": b"json"}
"""The mark of a column whose values are written as JSON, because Arrow has no type for all of them at once."""

ROWS = 65536
"""Rows in each batch of a stream."""


def table(frame: pd.DataFrame) -> pa.Table:
    """``frame`` as a table, whose columns of objects (lists, choices of several types) are JSON and marked so."""
    fields, columns = [], []
    for name in frame.columns:
        series = frame[name]
        encoded = series.dtype == object
        if encoded:
            series = pd.Series([None if _is_missing(value) else json.dumps(value) for value in series], dtype="string")
        column = pa.array(series, from_pandas=True)
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        fields.append(pa.field(str(name), column.type, metadata=ENCODED if encoded else None))
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def write(frame: pd.DataFrame, sink: IO[bytes]) -> None:
    """Writes ``frame`` to ``sink`` as an Arrow stream."""
    whole = table(frame)
    with pa.ipc.new_stream(sink, whole.schema) as writer:
        writer.write_table(whole, max_chunksize=ROWS)


def read(source: IO[bytes], dtypes: Mapping[str, str]) -> pd.DataFrame:
    """The frame in an Arrow stream: ``dtypes`` for the columns it names, and for the others what they were."""
    with pa.ipc.open_stream(source) as reader:
        whole = reader.read_all()
    if not whole.num_rows:
        return frames.frame([], {name: dtypes.get(name, "object") for name in whole.column_names})
    return pd.DataFrame({field.name: _series(whole.column(field.name), field, dtypes) for field in whole.schema})


def _series(column: Any, field: Any, dtypes: Mapping[str, str]) -> pd.Series:
    wanted = dtypes.get(field.name)
    if (field.metadata or {}).get(b"sieve") == b"json":
        values = [None if text is None else json.loads(text) for text in column.to_pylist()]
        return pd.Series(values, dtype=object)
    if pa.types.is_nested(field.type):
        return pd.Series(column.to_pylist(), dtype=object)
    if wanted == "Int64" or (wanted is None and pa.types.is_string(field.type)):
        return pd.Series(column.to_pandas(types_mapper=_nullable), dtype=wanted or "string")
    return pd.Series(column.to_pandas(), dtype=wanted) if wanted else pd.Series(column.to_pandas())


def _nullable(kind: Any) -> Any:
    return {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype()}.get(kind)


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA
