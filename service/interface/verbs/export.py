"""``sieve export``: a table of a sweep as a file for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.interface.terminal import verb_options
from service.interface.text import tables

if TYPE_CHECKING:
    from service.interface.source import Source, Table


@click.command()
@verb_options.sweep
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "json"]), default="csv", show_default=True)
@click.option(
    "--what",
    type=click.Choice(["trials", "history", "decisions", "stages"]),
    default="trials",
    show_default=True,
    help="One row per trial, report, verdict or stage.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file.  [default: NAME.FORMAT, of what is not trials NAME-WHAT.FORMAT]",
)
@verb_options.source
def export(name: str, form: str, what: Table, output: Path | None, source: Source) -> None:
    """Write a table of a sweep to a file.

    A file of that name is written over.
    """
    from service.interface.code_package import outputs
    from service.spec.errors import UserError

    path = output or Path(f"{name}.{form}" if what == "trials" else f"{name}-{what}.{form}")
    try:
        count = _parquet(source, name, what, path) if form == "parquet" else _text(source, name, what, path, form)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}", "choose another file with -o") from None
    outputs.remember(path)
    click.echo(f"{path}: {count} rows")


def _text(source: Source, name: str, what: Table, path: Path, form: str) -> int:
    rows = source.rows(name, what)
    path.write_text(tables.render(tables.dated(rows), form) + "\n", encoding="utf-8")
    return len(rows)


def _parquet(source: Source, name: str, what: Table, path: Path) -> int:
    frame = source.frame(name, what)
    for column in frame.select_dtypes(object).columns:
        # a parquet column has one type: choices of several are written as JSON
        if len({type(value) for value in frame[column] if value is not None}) > 1:
            frame[column] = frame[column].map(tables.as_json)
    frame.to_parquet(path, index=False)
    return len(frame)


VERBS = (export,)
