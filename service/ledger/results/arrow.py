"""Frames as Arrow tables and back, without loss: what a column of a table cannot hold as it is goes as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import pandas as pd
import pyarrow as pa

from service.ledger.results import frames

STREAM = "application/vnd.apache.arrow.stream"
ENCODED = {b"sieve": b"json"}
"""The mark of a column whose values are written as JSON, because Arrow has no type for all of them at once."""

ROWS = 65536
"""Rows in each batch of a stream."""


def table(frame: pd.DataFrame) -> pa.Table:
    """``frame`` as a table; columns of objects that Arrow would not give back as they are are JSON, and marked so."""
    encoded = [name for name in frame.columns if frame[name].dtype == object and not _is_kept(list(frame[name]))]
    changed = frame.assign(**{name: frame[name].map(_json).astype("string") for name in encoded})
    whole = pa.Table.from_pandas(changed, preserve_index=False)
    fields = [field.with_metadata(ENCODED) if field.name in encoded else field for field in whole.schema]
    return whole.cast(pa.schema(fields, metadata=whole.schema.metadata))


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
    if wanted == "Int64" or (wanted is None and field.type in (pa.string(), pa.large_string())):
        return pd.Series(column.to_pandas(types_mapper=_nullable), dtype=wanted or "string")
    return pd.Series(column.to_pandas(), dtype=wanted) if wanted else pd.Series(column.to_pandas())


def _nullable(kind: Any) -> Any:
    words = pd.StringDtype()
    return {pa.int64(): pd.Int64Dtype(), pa.string(): words, pa.large_string(): words}.get(kind)


def _is_kept(values: list[Any]) -> bool:
    """Whether Arrow has a type for all of ``values`` and gives them back alike: not for mappings, nor for a mixture."""
    try:
        return repr(pa.array(values).to_pylist()) == repr(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return False


def _json(value: Any) -> str | None:
    return None if value is None or value is pd.NA else json.dumps(value)
