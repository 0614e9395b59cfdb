"""Listings in the form that Accept asks for: JSON, CSV, Parquet or an Arrow stream, sent piece by piece."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from service.interface.api.problems import Refusal
from service.interface.text import tables
from service.ledger.records import Rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"
OFFERED = (JSON, CSV, PARQUET, ARROW)
_BATCH = 8192

_BINARY = {"schema": {"type": "string", "format": "binary"}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The listing, in the first of these forms that Accept takes. "
        "In JSON what is no finite number is null; Parquet and Arrow have the dtypes of the DataFrame, and a column of "
        "values of several types as JSON, with the metadata sieve=json.",
        "content": {
            JSON: {},
            CSV: {"schema": {"type": "string"}, "example": "trial,state\n1,FINISHED\n"},
            PARQUET: _BINARY,
            ARROW: _BINARY,
        },
    }
}


def accepted(request: Request) -> str:
    """The form that suits best. Raises Refusal (406), which names those that are offered."""
    wanted = request.headers.get("accept", "*/*") or "*/*"
    weights = [_weighted(part) for part in wanted.split(",")]
    best, form = max(((_quality(weights, form), form) for form in OFFERED), key=lambda pair: pair[0])
    if best <= 0:
        raise Refusal(406, f"Accept is {wanted[:200]!r}", f"this is offered: {', '.join(OFFERED)}")
    return form


def _weighted(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    given = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return kind, float(given)
    except ValueError:
        return kind, 0.0


def _quality(weights: list[tuple[str, float]], form: str) -> float:
    """How much ``form`` is wanted, by the most particular of what Accept says."""
    for pattern in (form, f"{form.partition('/')[0]}/*", "*/*"):
        given = [weight for kind, weight in weights if kind == pattern]
        if given:
            return max(given)
    return 0.0


def respond(form: str, rows: Callable[[], Rows], frame: Callable[[], pd.DataFrame]) -> Response:
    """A listing of ``rows``, which as a DataFrame are ``frame``."""
    if form == JSON:
        return _streamed(form, _json(iter([rows()])))
    if form == CSV:
        return _streamed(form, _csv(iter([rows()])))
    from service.ledger.results import arrow

    return respond_table(form, arrow.table(frame()))


def respond_table(form: str, table: pa.Table) -> Response:
    """A listing that is a table, however long, of which no second copy is made."""
    if form in (JSON, CSV):
        batches = _rows(table)
        return _streamed(form, _json(batches) if form == JSON else _csv(batches, table.column_names))
    return _streamed(form, _parquet(table) if form == PARQUET else _arrow(table))


def _rows(table: pa.Table) -> Iterator[Rows]:
    """The rows of ``table``, batch by batch; what is marked as JSON is read."""
    from service.ledger.results.arrow import ENCODED

    encoded = [field.name for field in table.schema if (field.metadata or {}).items() >= ENCODED.items()]
    for batch in table.to_batches(max_chunksize=_BATCH):
        rows = batch.to_pylist()
        for row in rows:
            row |= {name: None if row[name] is None else json.loads(row[name]) for name in encoded}
        yield rows


def _streamed(form: str, pieces: Iterator[bytes]) -> StreamingResponse:
    return StreamingResponse(pieces, media_type=form)


def _json(batches: Iterator[Rows]) -> Iterator[bytes]:
    yield b'{"items":['
    first = True
    for batch in batches:
        if batch:
            yield (b"" if first else b",") + to_json(batch, inf_nan_mode="null")[1:-1]
            first = False
    yield b"]}"


def _csv(batches: Iterator[Rows], names: list[str] | None = None) -> Iterator[bytes]:
    heading = True
    for batch in batches:
        names = names or tables.columns(batch)
        yield tables.lines(tables.dated(batch), names, heading=heading).encode()
        heading = False


def _arrow(table: pa.Table) -> Iterator[bytes]:
    import pyarrow as pa

    sink = _Sink()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=_BATCH * 8):
            writer.write_batch(batch)
            yield sink.drain()
    yield sink.drain()


def _parquet(table: pa.Table) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    sink = _Sink()
    with pq.ParquetWriter(sink, table.schema) as writer:
        for start in range(0, table.num_rows, _BATCH * 16):
            writer.write_table(table.slice(start, _BATCH * 16))
            yield sink.drain()
    yield sink.drain()


class _Sink(io.RawIOBase):
    """An in-memory buffer that is drained while it is written."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        self._written += len(self._pieces[-1])
        return len(self._pieces[-1])

    def tell(self) -> int:
        return self._written

    def drain(self) -> bytes:
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole
