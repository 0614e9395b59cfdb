"""The verbs that change a sweep after its start: pause, resume, stop, cancel, extend, update, rm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from service.interface.terminal import verb_options
from service.interface.verbs.run import drive

if TYPE_CHECKING:
    from service.interface.source import Source, Standing
    from service.spec.states import SweepState


@click.command()
@verb_options.sweep
@verb_options.source
def pause(name: str, source: Source) -> None:
    """Ask a running sweep to pause.

    Everything is kept; resume continues it.
    """
    _say(name, source.wish(name, "pause"), "PAUSED", "pause", f"continue it with: sieve resume {name}")


@click.command()
@verb_options.sweep
@click.option("-q", "--quiet", is_flag=True, help="No live view, only the end.")
@verb_options.source
def resume(name: str, source: Source, quiet: bool) -> None:
    """Continue a paused sweep.

    On this machine it runs here and now; at an address as soon as there is room.
    """
    source.wish(name, "resume")
    _go_on(name, source, quiet)


@click.command()
@verb_options.sweep
@click.option("--trials", required=True, type=click.IntRange(min=1), help="How many trials to add.")
@click.option("-q", "--quiet", is_flag=True, help="No live view, only the end.")
@verb_options.source
def extend(name: str, trials: int, source: Source, quiet: bool) -> None:
    """Add trials to a sweep and run them.

    What it learned so far guides them.
    """
    source.extend(name, trials)
    _go_on(name, source, quiet)


@click.command()
@verb_options.sweep
@verb_options.source
def stop(name: str, source: Source) -> None:
    """Ask a running sweep to stop for good.

    Its head ends the trials within seconds and keeps everything.
    """
    _say(name, source.wish(name, "stop"), "STOPPED", "stop", f"watch it with: sieve status {name}")


@click.command()
@verb_options.sweep
@verb_options.source
def cancel(name: str, source: Source) -> None:
    """Give a sweep up, running or not.

    What it found is kept, but it cannot go on.
    """
    _say(name, source.wish(name, "cancel"), "CANCELLED", "be cancelled", f"watch it with: sieve status {name}")


@click.command()
@verb_options.sweep
@click.option("--priority", type=click.IntRange(-100, 100), help="Higher ones come first.  [by default 0]")
@click.option("--weight", type=click.FloatRange(0, 1000, min_open=True), help="Share among those of one priority.")
@verb_options.source
def update(name: str, priority: int | None, weight: float | None, source: Source) -> None:
    """Change a sweep's place in the queue."""
    from service.spec.errors import UserError

    if priority is None and weight is None:
        raise UserError(f"nothing to change of {name}", "give --priority, --weight or both")
    source.update(name, priority, weight)
    changes = {"priority": priority, "weight": weight}
    told = ", ".join(f"{key} {value:g}" for key, value in changes.items() if value is not None)
    click.echo(f"{name} has {told}")


@click.command()
@verb_options.sweep
@click.option("--yes", is_flag=True, help="Do not ask.")
@verb_options.source
def rm(name: str, source: Source, yes: bool) -> None:
    """Remove a sweep with all that belongs to it.

    Trials, reports, checkpoints: there is no way back.
    """
    count = sum(source.status(name).counts.values())
    if not yes:
        at = f" at {source.where}" if source.home is None else ""
        click.confirm(f"remove {name}{at} with its {count} trials, all reports and checkpoints?", abort=True)
    source.remove(name)
    click.echo(f"{name} is removed")


def _say(name: str, standing: Standing, wanted: SweepState, words: str, more: str) -> None:
    """What comes of a wish: it is so already, where no head had to hear it, or will be."""
    told = f"is {wanted}" if standing.state == wanted else f"will {words} within seconds"
    click.echo(f"{name} {told}; {more}")


def _go_on(name: str, source: Source, quiet: bool) -> None:
    """Runs the sweep here, if here is where its heads run; else says that it will."""
    if source.home is not None:
        drive(name, source.home, quiet=quiet, again=f"sieve run {name}")
    else:
        click.echo(f"{name} goes on as soon as there is room; watch it with: sieve watch {name}")


VERBS = (pause, resume, stop, cancel, extend, update, rm)
