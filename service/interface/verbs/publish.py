"""The verbs that write files: ``report`` (a page), ``schema`` (the JSON schema of specs, for editors)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from service.interface.terminal import verb_options

if TYPE_CHECKING:
    from service.interface.source import Source


@click.command()
@verb_options.sweep
@verb_options.source
def report(name: str, source: Source) -> None:
    """Write the report page, one HTML file.

    It needs neither network nor script; the path is printed.
    """
    from service.interface.source.local import LocalSource
    from service.spec.errors import UserError

    if not isinstance(source, LocalSource):
        raise UserError(
            f"the page of {name} at {source.where} cannot be written here",
            "give --home for a sweep of this machine, or save its tables with: sieve export",
        )
    from service.interface.pages.report import write

    click.echo(write(source.store, name, source.home))


@click.command()
def schema() -> None:
    """Print the JSON schema of the sweep file.

    Editors complete and check with it.
    """
    from service.spec.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


VERBS = (report, schema)
