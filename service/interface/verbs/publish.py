"""The verbs that write for others to read: ``report`` (a page for people), ``schema`` (for editors)."""

from __future__ import annotations

import json
from pathlib import Path

import click

from service.interface import options


@click.command()
@options.sweep
@options.home
def report(name: str, home: Path) -> None:
    """Write the report page, one HTML file.

    It needs neither network nor script; the path is printed.
    """
    from service.interface.report import write
    from service.ledger import open_store

    click.echo(write(open_store(home), name, home))


@click.command()
def schema() -> None:
    """Print the JSON schema of the sweep file.

    Editors complete and check with it.
    """
    from service.spec.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


VERBS = (report, schema)
