"""``sieve run``: a sweep in the foreground, from its file to the table of its best trials."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.interface.terminal import verb_options
from service.interface.terminal.steps import steps

if TYPE_CHECKING:
    from service.engine.submit.local import Examined

BEST = 5


@click.command()
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Check the file and say what would happen; run nothing.")
@click.option("--no-check", is_flag=True, help="Leave out the quick check of the task; see sieve check.")
@click.option("-q", "--quiet", is_flag=True, help="No live view, only the end.")
@verb_options.home
def run(file: str, home: Path, dry_run: bool, no_check: bool, quiet: bool) -> None:
    """Run a sweep, or continue it where it was left.

    Ctrl-C pauses it politely: everything is kept, and the same command continues it. The name of a sweep in the
    ledger does for FILE where no file has that name: it continues with what it has stored, extensions included.
    """
    if dry_run:
        _forecast(file, home, check=not no_check)
        return
    from service.engine.launch.own_ray import start_early

    start_early()
    with ExitStack() as ray:
        name = _submitted(file, home, check=not no_check, quiet=quiet, ray=ray)
        drive(name, home, quiet=quiet, again=f"sieve run {file}")


def drive(name: str, home: Path, *, quiet: bool, again: str) -> None:
    """Runs the head of the sweep ``name`` in this process, shows it, says how it ended and exits with its code.

    ``again`` is the command that continues the sweep.
    """
    from service.engine.control import sweep
    from service.interface.live_view import watch
    from service.interface.source.local import LocalSource

    with nullcontext() if quiet else watch(name, LocalSource(home)):
        outcome = sweep.run(name, home)
    _conclude(name, home)
    click.echo(f"{name} {outcome.state}" + (f": {outcome.why}" if outcome.why else ""))
    if outcome.state == "PAUSED":
        click.echo(f"paused; continue with: {again}")
    click.get_current_context().exit(outcome.exit_code)


def _submitted(file: str, home: Path, *, check: bool, quiet: bool, ray: ExitStack) -> str:
    """The name of the sweep of ``file``, checked if it is new, in a Ray that is used until ``ray`` ends."""
    with steps(quiet) as step:
        step("reading the sweep")
        from service.engine.launch.own_ray import is_warm, joined
        from service.engine.submit.local import submit
        from service.ledger import open_store
        from service.spec import load
        from service.spec.stage_plan.planning import made_by, written

        known = {sweep.name for sweep in open_store(home).sweeps()}
        if file in known and not Path(file).exists():
            return file
        spec = load(file)
        if check and spec.name not in known:
            step("checking the task")
            if is_warm():
                ray.enter_context(joined(spec, Path.cwd()))
        spec = _checked(file, home, check=check).spec
        if spec.planned is not None:
            click.echo(f"{made_by(spec.planned, spec.search, spec.facts)}: {written(spec.plan)}")
        return submit(file, home).name


def _forecast(file: str, home: Path, *, check: bool) -> None:
    from service.engine.preflight.forecast import lines

    examined = _checked(file, home, check=check)
    for line in lines(examined.spec, examined.steps):
        click.echo(line)
    if examined.known is not None:
        click.echo(f"{examined.known.name} is in the ledger already, {examined.known.state}: it would go on from there")


def _checked(file: str, home: Path, *, check: bool) -> Examined:
    """What is known of a sweep before it runs; a new one's task is looked at, unless ``check`` is off."""
    from service.engine.preflight.examination import insist
    from service.engine.preflight.look import quick
    from service.engine.submit.local import examine

    examined = examine(file, home)
    for warning in examined.warnings:
        click.echo(f"warning: {warning}", err=True)
    if check and examined.known is None:
        report = quick(examined.spec, examined.project)
        for finding in report.warnings:
            click.echo(f"warning: {finding}", err=True)
        insist(report)
    return examined


def _conclude(name: str, home: Path) -> None:
    from service.interface.pages.report import write
    from service.interface.source.local import LocalSource
    from service.interface.text import status_view, tables

    source = LocalSource(home)
    look = source.look(name)
    click.echo()
    click.echo(tables.leaders(source.rows(name, "best", BEST), empty=status_view.best(look.status)))
    click.echo()
    click.echo(status_view.budget(look.status))
    for line in look.advice:
        click.echo(line)
    try:
        click.echo(f"report: {write(source.store, name, home)}")
    except OSError as error:
        click.echo(f"warning: no report page ({error}); write it later with: sieve report {name}", err=True)


VERBS = (run,)
