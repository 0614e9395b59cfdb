"""``sieve space``: the search space of each round, and what narrowing changed and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from service.interface.terminal import verb_options

if TYPE_CHECKING:
    from service.interface.source import Source


@click.command()
@verb_options.sweep
@click.option("--undo", is_flag=True, help="Take the newest narrowing back: the next round does without it.")
@verb_options.output
@verb_options.source
def space(name: str, undo: bool, source: Source, output: str) -> None:
    """Show the space of each round.

    What narrowing made of each parameter, and why.
    """
    from service.interface.text import space_words, tables

    if undo:
        taken = source.undo_space(name)
        click.echo(
            f"the narrowing for round {taken} is undone; the next round begins with the space before it", err=True
        )
    rows = source.rows(name, "spaces")
    click.echo(space_words.describe(rows) if output == "table" else tables.render(rows, output))


VERBS = (space,)
