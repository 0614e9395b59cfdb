"""Rows as text: an aligned table for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

Row = Mapping[str, Any]

MISSING = "–"
BOOKKEEPING = frozenset({"gpu_seconds", "node", "checkpoint", "started", "finished", "project", "commit", "time"})
MOMENTS = frozenset({"created", "started", "finished"})
PROSE = ("diagnosis", "why")
ROUTINE = frozenset({"state", "why", "stage", "epoch", "budget"})
NARROWEST, WIDEST = 80, 110


def render(rows: Sequence[Row], output: str = "table", empty: str = "nothing yet") -> str:
    """``rows`` as text without a final newline.

    ``output`` is ``table`` (numbers shortened to four digits, ``empty`` where there are no rows), ``json`` (a list of
    objects, missing values null) or ``csv`` (full precision, missing values empty). Columns are the keys of the rows
    in the order they first appear.
    """
    return _WRITERS[output](rows, empty)


def columns(rows: Sequence[Row]) -> list[str]:
    """Every key of ``rows``, in the order of first appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))


def dated(rows: Sequence[Row]) -> list[Row]:
    """``rows`` with the moments of the ledger (seconds since the epoch) as UTC times."""
    return [{key: moment(value) if key in MOMENTS else value for key, value in row.items()} for row in rows]


def compact(rows: Sequence[Row]) -> list[Row]:
    """``rows`` for a narrow page: columns that say nothing and bookkeeping go, ``config/lr`` is headed ``lr``.

    Sentences come last. A parameter that shares its name with another column keeps its prefix.
    """
    names = columns(rows)
    kept = [name for name in names if name not in BOOKKEEPING and not all(is_missing(row.get(name)) for row in rows)]
    if not any(row.get("round") for row in rows):
        kept = [name for name in kept if name != "round"]
    kept.sort(key=lambda name: name in PROSE)
    heads = {name: name.removeprefix("config/") for name in kept}
    heads = {name: name if head != name and head in kept else head for name, head in heads.items()}
    return [{heads[name]: row.get(name) for name in kept} for row in rows]


def brief(rows: Sequence[Row]) -> tuple[list[Row], Row]:
    """The best trials compactly, and apart from them the parameters that are the same in all.

    Where all have finished, the columns that only say so go. A single row keeps all its parameters.
    """
    from service.ledger.results.rows import is_in

    names = columns(rows)
    config = [name for name in names if name.startswith("config/") and len(rows) > 1]
    same = [name for name in config if len({repr(row.get(name)) for row in rows}) == 1]
    gone = {*same, *(f"best_{name}" for name in names)}
    if all(is_in(row, "FINISHED") for row in rows):
        gone |= ROUTINE
    shared = {name.removeprefix("config/"): rows[0][name] for name in same if not is_missing(rows[0][name])}
    return compact(_pick(rows, [name for name in names if name not in gone])), shared


def leaders(rows: Sequence[Row], empty: str, width: int | None = None) -> str:
    """The best trials as a table no wider than ``width`` (the terminal's, within limits), and what it leaves out."""
    if not rows:
        return empty
    width = width or min(max(shutil.get_terminal_size((WIDEST, 24)).columns, NARROWEST), WIDEST)
    shown, shared = brief(rows)
    names = [name for name in columns(shown) if name != "diagnosis"]
    fitting = next((n for n in range(len(names), 1, -1) if _width(_pick(shown, names[:n])) <= width), 1)
    notes = [f"trial {row['trial']}: {row['diagnosis']}" for row in rows if row.get("diagnosis")]
    if shared:
        notes.append("the same in all: " + ", ".join(f"{name} {cell(value)}" for name, value in shared.items()))
    if fitting < len(names):
        notes.append(f"too wide to show: {', '.join(names[fitting:])}; for all there is: sieve best NAME -o json")
    table = _table(_pick(shown, names[:fitting]), empty)
    return "\n".join([table, *(textwrap.fill(note, width, subsequent_indent="  ") for note in notes)])


def cell(value: Any) -> str:
    """``value`` for a table: short numbers, times to the second, of lines the last, a dash where it is missing."""
    if is_missing(value):
        return MISSING
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value.isoformat()
    return (str(value).strip().splitlines() or [""])[-1]


def lines(rows: Sequence[Row], names: Sequence[str], *, heading: bool = True) -> str:
    """``rows`` as lines of CSV, each with its newline: full precision, missing values empty, lists as JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if names and heading:
        writer.writerow(names)
    writer.writerows([_field(row.get(name)) for name in names] for row in rows)
    return text.getvalue()


def is_missing(value: Any) -> bool:
    """Whether ``value`` is None, NaN or pandas' NA / NaT, none of which equals itself."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def is_number(value: Any) -> bool:
    """Whether ``value`` is a number or missing, so that a column of such is set to the right."""
    return is_missing(value) or (isinstance(value, int | float) and not isinstance(value, bool))


def as_json(value: Any) -> str | None:
    """``value`` as JSON on one line, None where it is missing."""
    return None if is_missing(value) else json.dumps(_plain(value))


def duration(seconds: float | None) -> str:
    """``seconds`` as people say it: 45 s, 3 min 20 s, 2 h 05 min; a dash where they are no number."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(value: Any) -> Any:
    """Seconds since the epoch as a UTC time; anything else as it is."""
    return datetime.fromtimestamp(value, UTC) if isinstance(value, float) else value


def _table(rows: Sequence[Row], empty: str) -> str:
    if not rows:
        return empty
    names = columns(rows)
    cells = [names, *([cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [all(is_number(row.get(name)) for row in rows) for name in names]
    return "\n".join(
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    )


def _pick(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    return [{name: row.get(name) for name in names} for row in rows]


def _width(rows: Sequence[Row]) -> int:
    return max(map(len, _table(rows, "").splitlines()))


def _json(rows: Sequence[Row], _: str) -> str:
    return json.dumps([{key: _plain(value) for key, value in row.items()} for row in rows], indent=2, allow_nan=False)


def _csv(rows: Sequence[Row], _: str) -> str:
    return lines(rows, columns(rows)).removesuffix("\n")


def _plain(value: Any) -> Any:
    if is_missing(value):
        return None
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def _field(value: Any) -> Any:
    plain = _plain(value)
    return json.dumps(plain) if isinstance(plain, list | dict) else plain


_WRITERS: dict[str, Callable[[Sequence[Row], str], str]] = {"table": _table, "json": _json, "csv": _csv}
