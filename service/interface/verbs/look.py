"""The verbs that look: ``ls``, ``queue``, ``status``, ``watch``, ``trials``, ``history``, ``best``, ``logs``.

They only read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from service.interface.terminal import verb_options
from service.interface.text import tables

if TYPE_CHECKING:
    from service.interface.source import Source
    from service.ledger.records import Rows


@click.command()
@verb_options.output
@verb_options.source
def ls(source: Source, output: str) -> None:
    """List the sweeps."""
    rows = source.sweeps()
    if output == "table":
        for row in rows:
            if row.pop("simulated"):
                row["state"] += " (simulated)"
    start = "sieve submit FILE" if source.home is None else "sieve run FILE"
    _show(rows, output, f"no sweeps yet; start one with: {start}")


@click.command()
@verb_options.output
@verb_options.source
def queue(source: Source, output: str) -> None:
    """List the sweeps that wait or run.

    First come those whose turn is first: by priority, then by age.
    """
    _show(source.queue(), output, "nothing waits or runs")


@click.command()
@verb_options.sweep
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@verb_options.source
def status(name: str, source: Source, output: str) -> None:
    """Show where a sweep stands.

    The funnel of stages, the running trials, the best so far, the time left.
    """
    if output == "json":
        import json
        from dataclasses import asdict

        click.echo(json.dumps(asdict(source.status(name)), indent=2))
        return
    from rich.console import Console

    from service.interface.text import status_view

    look = source.look(name)
    Console().print(status_view.panel(look.status))
    for line in (*look.advice, look.note):
        if line:
            click.echo(line)


@click.command()
@verb_options.sweep
@verb_options.source
def watch(name: str, source: Source) -> None:
    """Follow a sweep until it is over.

    Ctrl-C ends the view; the sweep goes on.
    """
    from service.interface.live_view import follow

    follow(name, source)
    click.echo("".join(f"{line}\n" for line in (source.look(name).note,) if line), nl=False)


@click.command()
@verb_options.sweep
@verb_options.output
@verb_options.source
def trials(name: str, source: Source, output: str) -> None:
    """List the trials of a sweep.

    State and reason, stage, newest and best value, config, cost.
    """
    _show(source.rows(name, "trials"), output, f"{name} has no trials yet")


@click.command()
@verb_options.sweep
@verb_options.output
@verb_options.source
def history(name: str, source: Source, output: str) -> None:
    """List every report, in the order they came in."""
    _show(source.rows(name, "history"), output, f"{name} has no reports yet")


@click.command()
@verb_options.sweep
@click.option("-n", default=5, show_default=True, type=click.IntRange(min=1), help="How many.")
@verb_options.output
@verb_options.source
def best(name: str, n: int, source: Source, output: str) -> None:
    """List the best trials that finished the last stage."""
    rows = source.rows(name, "best", n)
    empty = f"no trial of {name} has finished the last stage yet; see: sieve status {name}"
    if output == "table":
        click.echo(tables.leaders(rows, empty))
    else:
        _show(rows, output, empty)


@click.command()
@verb_options.sweep
@click.option("-f", "--follow", is_flag=True, help="Go on with what is to come, until the sweep is over.")
@verb_options.source
def logs(name: str, follow: bool, source: Source) -> None:
    """Print what the head of a sweep has written."""
    written = False
    for line in source.logs(name, follow):
        click.echo(line)
        written = True
    if not written:
        click.echo(f"the head of {name} has written nothing yet; see: sieve status {name}", err=True)


def _show(rows: Rows, output: str, empty: str) -> None:
    shown = tables.dated(rows)
    click.echo(tables.render(tables.compact(shown) if output == "table" else shown, output, empty))


VERBS = (ls, queue, status, watch, trials, history, best, logs)
