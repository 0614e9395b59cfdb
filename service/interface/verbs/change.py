"""The verbs that change a sweep after its start: ``extend``, ``stop``, ``rm``."""

from __future__ import annotations

from pathlib import Path

import click

from service.interface import options
from service.interface.verbs.run import drive


@click.command()
@options.sweep
@click.option("--trials", required=True, type=click.IntRange(min=1), help="How many trials to add.")
@click.option("-q", "--quiet", is_flag=True, help="No live view, only the end.")
@options.home
def extend(name: str, trials: int, home: Path, quiet: bool) -> None:
    """Add trials to a sweep and run them.

    What it learned so far guides them.
    """
    from service.engine import sweep

    sweep.extend(name, trials, home)
    drive(name, home, quiet=quiet, again=f"sieve run {name}")


@click.command()
@options.sweep
@options.home
def stop(name: str, home: Path) -> None:
    """Ask a running sweep to stop for good.

    Its head ends the trials within seconds and keeps everything.
    """
    from service.interface import stopping
    from service.ledger import open_store

    stopping.stop(open_store(home), name)
    click.echo(f"{name} will stop within seconds; watch it with: sieve status {name}")


@click.command()
@options.sweep
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.home
def rm(name: str, home: Path, yes: bool) -> None:
    """Remove a sweep with all that belongs to it.

    Trials, reports, checkpoints: there is no way back.
    """
    from service.engine import sweep
    from service.ledger import open_store

    count = len(open_store(home).trials(name))
    if not yes:
        click.confirm(f"remove {name} with its {count} trials, all reports and checkpoints?", abort=True)
    sweep.remove(name, home)
    click.echo(f"{name} is removed")


VERBS = (extend, stop, rm)
