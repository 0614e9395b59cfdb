"""The verbs that look: ``ls``, ``status``, ``trials``, ``history``, ``best``. They only read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.interface import options, tables

if TYPE_CHECKING:
    from service.ledger.results import Results
    from service.ledger.rows import Rows


HEADED = ("STARTING", "RUNNING")
DEAD = "its head has died; nothing is lost, continue with: sieve run {}"


@click.command()
@options.output
@options.home
def ls(home: Path, output: str) -> None:
    """List the sweeps."""
    from service.engine.identity import alive
    from service.ledger import open_store
    from service.ledger.results import Results

    store = open_store(home)
    dead = {sweep.name for sweep in store.sweeps() if sweep.state in HEADED and not alive(sweep)}
    rows = Results(store).sweep_rows()
    for row in rows:
        if row["sweep"] in dead:
            row["why"] = DEAD.format(row["sweep"])
        if output == "table" and row.pop("simulated"):
            row["state"] += " (simulated)"
    _show(rows, output, "no sweeps yet; start one with: sieve run FILE")


@click.command()
@options.sweep
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@options.home
def status(name: str, home: Path, output: str) -> None:
    """Show where a sweep stands.

    The funnel of stages, the running trials, the best so far, the time left.
    """
    from service.engine.identity import alive
    from service.interface.live import read
    from service.ledger import open_store

    store = open_store(home)
    now = read(store, name)
    if output == "json":
        import json
        from dataclasses import asdict

        click.echo(json.dumps(asdict(now), indent=2))
        return
    from rich.console import Console

    from service.interface import view

    Console().print(view.panel(now))
    for line in (*view.appraised(store.worth(name)), *view.avoided(store.decisions(name))):
        click.echo(line)
    record = store.sweep(name)
    why = DEAD.format(name) if record.state in HEADED and not alive(record) else now.why
    if why:
        click.echo(why)


@click.command()
@options.sweep
@options.output
@options.home
def trials(name: str, home: Path, output: str) -> None:
    """List the trials of a sweep.

    State and reason, stage, newest and best value, config, cost.
    """
    _show(_results(home).trial_rows(name), output, f"{name} has no trials yet")


@click.command()
@options.sweep
@options.output
@options.home
def history(name: str, home: Path, output: str) -> None:
    """List every report, in the order they came in."""
    _show(_results(home).history_rows(name), output, f"{name} has no reports yet")


@click.command()
@options.sweep
@click.option("-n", default=5, show_default=True, type=click.IntRange(min=1), help="How many.")
@options.output
@options.home
def best(name: str, n: int, home: Path, output: str) -> None:
    """List the best trials that finished the last stage."""
    rows = _results(home).best_rows(name, n)
    empty = f"no trial of {name} has finished the last stage yet; see: sieve status {name}"
    if output == "table":
        click.echo(tables.leaders(rows, empty))
    else:
        _show(rows, output, empty)


def _results(home: Path) -> Results:
    from service.ledger import Results, open_store

    return Results(open_store(home))


def _show(rows: Rows, output: str, empty: str) -> None:
    shown = tables.dated(rows)
    click.echo(tables.render(tables.compact(shown) if output == "table" else shown, output, empty))


VERBS = (ls, status, trials, history, best)
