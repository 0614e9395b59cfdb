"""``sieve export``: the trials or the history of a sweep as a file for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.interface import options, tables

if TYPE_CHECKING:
    from service.ledger import Results


@click.command()
@options.sweep
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "json"]), default="csv", show_default=True)
@click.option(
    "--what",
    type=click.Choice(["trials", "history"]),
    default="trials",
    show_default=True,
    help="One row per trial, or one per report.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file.  [default: NAME.FORMAT, for the history NAME-history.FORMAT]",
)
@options.home
def export(name: str, form: str, what: str, output: Path | None, home: Path) -> None:
    """Write the trials or reports to a file.

    A file of that name is written over.
    """
    from service.ledger import Results, open_store
    from service.spec.errors import UserError

    results = Results(open_store(home))
    path = output or Path(f"{name}.{form}" if what == "trials" else f"{name}-history.{form}")
    try:
        count = _parquet(results, name, what, path) if form == "parquet" else _text(results, name, what, path, form)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}", "choose another file with -o") from None
    click.echo(f"{path}: {count} rows")


def _text(results: Results, name: str, what: str, path: Path, form: str) -> int:
    rows = results.trial_rows(name) if what == "trials" else results.history_rows(name)
    path.write_text(tables.render(tables.dated(rows), form) + "\n", encoding="utf-8")
    return len(rows)


def _parquet(results: Results, name: str, what: str, path: Path) -> int:
    frame = results.trials(name) if what == "trials" else results.history(name)
    for column in frame.select_dtypes(object).columns:
        # a parquet column has one type: choices of several are written as JSON
        if len({type(value) for value in frame[column] if value is not None}) > 1:
            frame[column] = frame[column].map(tables.as_json)
    frame.to_parquet(path, index=False)
    return len(frame)


VERBS = (export,)
