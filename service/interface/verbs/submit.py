"""``sieve submit``: a sweep into the queue of a service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.interface.terminal import verb_options

if TYPE_CHECKING:
    from service.interface.remote.submit_remote import QueuedSweep
    from service.interface.source import Source

MIB = 1 << 20


@click.command()
@click.argument("file")
@click.option(
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the task's code, which travels along.  [default: the current one]",
)
@click.option("--no-check", is_flag=True, help="Leave out the look at the code for the task.")
@click.option(
    "--max-package", type=click.IntRange(min=1), default=100, show_default=True, help="MiB of code that may travel."
)
@verb_options.source
def submit(file: str, project: Path | None, no_check: bool, max_package: int, source: Source) -> None:
    """Queue a sweep at a service.

    The project's folder goes with it, without what git or .sieveignore ignore. Nothing of it is run here: sieve check
    tries the task. The same again is the same sweep: one that is paused or failed goes on.
    """
    from service.interface.remote.remote_source import RemoteSource
    from service.interface.remote.submit_remote import RemoteSubmission
    from service.interface.remote.submit_remote import submit as send
    from service.spec.errors import UserError

    if not isinstance(source, RemoteSource):
        raise UserError(
            "there is no service to submit to",
            f"run it here with: sieve run {file}, or name a service with --address, SIEVE_ADDRESS or sieve context use",
        )
    submission = RemoteSubmission(file, project or Path.cwd(), not no_check, max_package * MIB)
    made = send(source.connection, submission)
    for note in made.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(_describe(made))


def _describe(made: QueuedSweep) -> str:
    from service.states import SWEEP_EXTENDABLE

    name = made.name
    if made.state == "CANCELLED":
        return f"{name} is CANCELLED and cannot go on; give it a new name, or remove it first: sieve rm {name}"
    if made.state in SWEEP_EXTENDABLE:
        why = f" ({made.why})" if made.why else ""
        return f"{name} is {made.state} already{why}; give it more trials with: sieve extend {name} --trials N"
    if made.new:
        told = "is submitted"
    elif made.before is not None:
        told = f"was {made.before} and goes on"
    else:
        told = f"was there already and is {made.state}"
    return f"{name} {told}; watch it with: sieve watch {name}"


VERBS = (submit,)
