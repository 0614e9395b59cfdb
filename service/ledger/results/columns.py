"""Columns of values whose type is found from the values themselves. Imports pyarrow: import it late."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from service.ledger.database.column_types import is_word

WHOLE = frozenset({int})
NUMBERS = frozenset({int, float, type(None)})
WORDS = frozenset({str, type(None)})


class Column:
    """Values that come chunk by chunk: whole numbers, numbers or text with None for what is missing, or anything.

    A chunk is kept as an Arrow array where its values are of one kind, for a million numbers take 8 MB there.
    """

    def __init__(self, missing: int = 0) -> None:
        self._chunks: list[Any] = [pa.nulls(missing)] if missing else []
        self._kinds: set[type] = {type(None)} if missing else set()

    def add(self, values: Any) -> None:
        """Append a chunk: a list, or an Arrow array of int64 or float64."""
        if isinstance(values, list):
            kinds = set(map(type, values))
            self._chunks.append(_array(values, kinds))
        else:
            kinds = {int} if pa.types.is_integer(values.type) else {float}
            kinds |= {type(None)} if values.null_count else set()
            self._chunks.append(values)
        self._kinds |= kinds

    def values(self) -> Any:
        """An Arrow array (int64, float64 or string, null for None), or the list of the values if they are others."""
        if all(isinstance(chunk, pa.Array) for chunk in self._chunks):
            wanted = _type(self._kinds)
            if wanted is not None:
                return pa.chunked_array([chunk.cast(wanted, safe=False) for chunk in self._chunks], wanted)
        return list(chain.from_iterable(c.to_pylist() if isinstance(c, pa.Array) else c for c in self._chunks))


def column(values: list[Any]) -> Any:
    """The same of values that are all there."""
    whole = Column()
    whole.add(values)
    return whole.values()


def metrics(chunks: Iterable[Any]) -> dict[str, Any]:
    """The columns of metrics by name, in the order they first appear, from Arrow arrays of stored JSON."""
    found: dict[str, Column] = {}
    count = 0
    for chunk in chunks:
        parsed = _plain(chunk) or _any(chunk)
        for name in parsed:
            found.setdefault(name, Column(missing=count))
        count += len(chunk)
        for name, known in found.items():
            known.add(parsed[name] if name in parsed else [None] * len(chunk))
    return {name: known.values() for name, known in found.items()}


def _plain(chunk: Any) -> dict[str, Any]:
    """The columns of a chunk whose metrics are all numbers, by Arrow's own reader; {} where there are others.

    It guesses times among text and knows no NaN: what is text is not for it.
    """
    lines = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(chunk)], pa.int32()), chunk), "\n")[0].as_buffer()
    options = pyarrow.json.ReadOptions(use_threads=False, block_size=max(1024, 2 * len(lines)))
    try:
        table = pyarrow.json.read_json(pa.BufferReader(lines), read_options=options)
    except pa.ArrowInvalid:
        return {}
    if not all(kind in (pa.int64(), pa.float64()) for kind in table.schema.types):
        return {}
    return {name: table[name].combine_chunks() for name in table.column_names}


def _any(chunk: Any) -> dict[str, Any]:
    rows = json.loads(f"[{','.join(chunk.to_pylist())}]")
    names = dict.fromkeys(chain.from_iterable(rows))
    return {name: _finite_or_not([row.get(name) for row in rows]) for name in names}


def spread(values: list[Any], positions: Any) -> Any:
    """A column that has at each row the value at its position, as an Arrow array or a list."""
    known = column(values)
    if isinstance(known, list):
        return [values[position] for position in positions.to_pylist()]
    return known.combine_chunks().take(positions)


def floats(values: Any) -> Any:
    """A column as float64; text and what else is no number stays as it is."""
    if isinstance(values, list):
        numbers = all(value is None or isinstance(value, (bool, int, float)) for value in values)
        return (
            pa.array([None if value is None else float(value) for value in values], pa.float64()) if numbers else values
        )
    return values.cast(pa.float64()) if pa.types.is_integer(values.type) else values


def arrow(values: Any) -> Any:
    """A column as an Arrow array: values of several types as JSON, for there a column has one."""
    if not isinstance(values, list):
        return values
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) == 1 and not kinds & {list, dict, int}:
        return pa.array(values)
    return pa.array([None if value is None else json.dumps(value) for value in values], pa.string())


def _finite_or_not(values: list[Any]) -> list[Any]:
    """JSON knows no NaN: see `column_types.Numbers`."""
    if str not in set(map(type, values)):
        return values
    return [float(value) if is_word(value) else value for value in values]


def _type(kinds: set[type]) -> Any:
    if kinds and kinds <= WHOLE:
        return pa.int64()
    if kinds <= NUMBERS:
        return pa.float64()
    return pa.string() if kinds <= WORDS else None


def _array(values: list[Any], kinds: set[type]) -> Any:
    """An Arrow array of its own type, or the list; whole numbers beyond 64 bits stay what they are."""
    wanted = pa.null() if kinds == {type(None)} else _type(kinds)
    if wanted is None:
        return values
    try:
        return pa.array(values, wanted)
    except (OverflowError, pa.ArrowInvalid):
        return values
