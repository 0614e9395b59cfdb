"""``sieve token``: who may use the service of a home."""

from __future__ import annotations

from pathlib import Path

import click

from service.interface import options, tables

ROLES = ("viewer", "submitter", "admin")


@click.group()
def token() -> None:
    """Tokens for the service: make, list, revoke.

    A viewer reads everything, a submitter also submits sweeps and manages their own, an admin manages everything.
    """


@token.command()
@click.argument("user")
@click.option("--role", type=click.Choice(ROLES), default="submitter", show_default=True, help="What it may.")
@options.home
def create(user: str, role: str, home: Path) -> None:
    """Make a token for USER and print it.

    It is shown this once: only its hash is kept.
    """
    from service.ledger import open_store

    record, secret = open_store(home, create=True).tokens.create(user, role)
    click.echo(f"token {record.id} of {user}, {role}; it is not shown again:", err=True)
    click.echo(secret)


@token.command()
@options.output
@options.home
def ls(home: Path, output: str) -> None:
    """List the tokens.

    Their secrets are kept nowhere.
    """
    from dataclasses import asdict

    from service.ledger import open_store

    rows = [asdict(record) for record in open_store(home).tokens.ls()]
    moments = [{key: tables.moment(row[key]) for key in ("created", "revoked")} for row in rows]
    shown = [row | times for row, times in zip(rows, moments, strict=True)]
    click.echo(tables.render(shown, output, "no tokens yet; make one with: sieve token create USER"))


@token.command()
@click.argument("number", type=click.IntRange(min=1))
@options.home
def revoke(number: int, home: Path) -> None:
    """Revoke the token NUMBER, at once and for ever."""
    from service.ledger import open_store

    record = open_store(home).tokens.revoke(number)
    click.echo(f"token {record.id} of {record.user} is revoked")


VERBS = (token,)
