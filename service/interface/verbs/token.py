"""``sieve token``: who may use a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from service.interface.terminal import verb_options
from service.interface.terminal.verb_group import Group
from service.interface.text import tables

if TYPE_CHECKING:
    from service.interface.source import Source

ROLES = ("viewer", "submitter", "admin")


@click.group(cls=Group)
def token() -> None:
    """Tokens for the service: make, list, revoke.

    A viewer reads everything, a submitter also submits sweeps and manages their own, an admin manages everything. At an
    address only an admin reaches them.
    """


@token.command()
@click.argument("user")
@click.option("--role", type=click.Choice(ROLES), default="submitter", show_default=True, help="What it may.")
@verb_options.source
def create(user: str, role: str, source: Source) -> None:
    """Make a token for USER and print it.

    It is shown this once: only its hash is kept.
    """
    record, secret = source.rights.create_token(user, role)
    click.echo(f"token {record.id} of {user}, {role}, for {source.where}; it is not shown again:", err=True)
    click.echo(secret)


@token.command()
@verb_options.output
@verb_options.source
def ls(source: Source, output: str) -> None:
    """List the tokens.

    Their secrets are kept nowhere.
    """
    times = ("created", "revoked")
    rows = [row | {key: tables.moment(row[key]) for key in times} for row in source.rights.tokens()]
    click.echo(tables.render(rows, output, "no tokens yet; make one with: sieve token create USER"))


@token.command()
@click.argument("number", type=click.IntRange(min=1))
@verb_options.source
def revoke(number: int, source: Source) -> None:
    """Revoke the token NUMBER, at once and for ever."""
    click.echo(f"token {number} of {source.rights.revoke_token(number)} is revoked")


VERBS = (token,)
