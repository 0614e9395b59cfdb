"""The spaces of a sweep's rounds in words: what each parameter was, is, and why."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from service.interface.text.tables import NARROWEST, WIDEST, Row


def describe(rows: Sequence[Row], width: int | None = None) -> str:
    """The rows of `Results.space_rows` as text no wider than ``width`` (the terminal's, within limits)."""
    width = width or min(max(shutil.get_terminal_size((WIDEST, 24)).columns, NARROWEST), WIDEST)
    spaces = groupby(rows, key=lambda row: (row["round"], row["time"], row["undone"]))
    return "\n\n".join(_space(list(group), width) for _, group in spaces)


def _space(rows: Sequence[Row], width: int) -> str:
    indent = max(len(row["parameter"]) for row in rows) + 4
    blank = " " * indent
    lines = [f"round {rows[0]['round']}: {_summary(rows)}"]
    for row in rows:
        lines.append(f"  {row['parameter'].ljust(indent - 2)}{_change(row['from'], row['to'])}")
        if row["from"] is not None:
            lines.append(textwrap.fill(row["reason"], width, initial_indent=blank, subsequent_indent=blank))
    return "\n".join(lines)


def _summary(rows: Sequence[Row]) -> str:
    first = rows[0]
    if first["from"] is None:
        return str(first["reason"])
    changed = f"{sum(row['from'] != row['to'] for row in rows)} of {len(rows)} parameters changed"
    return f"{changed}; UNDONE, rounds that begin later do without it" if first["undone"] else changed


def _change(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> str:
    if new is None:
        return "gone"
    return sampler(new) + (", as before" if old == new else "")


def sampler(form: Mapping[str, Any]) -> str:
    """A sampler on one line: ``loguniform [0.001, 1.0]``."""
    return ", ".join(f"{kind} {arguments}" for kind, arguments in form.items())
