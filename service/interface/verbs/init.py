"""``sieve init``: a first task and sweep for a kind of problem."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from service.interface.starters.kinds import KINDS


@click.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("--folder", type=click.Path(path_type=Path), default=".", help="Where to write.  [default: this folder]")
@click.option(
    "--data",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Your data: a folder of a folder of images per class, a CSV or Parquet file, a file of lines LABEL TAB TEXT.",
)
@click.option("--target", metavar="COLUMN", help="The column of a table that is to be predicted.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def init(kind: str, folder: Path, data: Path | None, target: str | None, force: bool) -> None:
    """Write a first task and sweep that run as they are.

    Writes task.py and sweep.yaml. KIND is images, table or text; or a task with a loop of its own: lightning and loop,
    which read a table, and transformers, which reads texts. Without --data small sample data are written, too.
    """
    from service.interface.starters.starter import write

    starter = write(kind, folder, data, target, force)
    for path in starter.written:
        click.echo(f"wrote {path}")
    click.echo(f"data: {starter.data.words}")
    click.echo("\nNext:")
    if folder.resolve() != Path.cwd():
        click.echo(f"  cd {shlex.quote(str(folder))}")
    click.echo("  sieve check sweep.yaml     # tries the task for some seconds")
    click.echo("  sieve run sweep.yaml       # the sweep; Ctrl-C, and the same command goes on")
    click.echo(f"  sieve best {kind} -n 3")


VERBS = (init,)
