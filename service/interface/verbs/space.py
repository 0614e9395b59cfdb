"""``sieve space``: the search space of each round, and what narrowing changed and why."""

from __future__ import annotations

from pathlib import Path

import click

from service.interface import options


@click.command()
@options.sweep
@click.option("--undo", is_flag=True, help="Take the newest narrowing back: the next round does without it.")
@options.output
@options.home
def space(name: str, home: Path, undo: bool, output: str) -> None:
    """Show the space of each round.

    What narrowing made of each parameter, and why.
    """
    from service.interface import spaces, tables
    from service.ledger import Results, open_store

    store = open_store(home)
    if undo:
        taken = store.undo_space(name).round
        click.echo(
            f"the narrowing for round {taken} is undone; the next round begins with the space before it", err=True
        )
    rows = Results(store).space_rows(name)
    click.echo(spaces.describe(rows) if output == "table" else tables.render(rows, output))


VERBS = (space,)
