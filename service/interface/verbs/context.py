"""``sieve context``: the services that a person knows, and which of them is in use."""

from __future__ import annotations

import sys

import click

from service.interface.terminal import verb_options
from service.interface.terminal.verb_group import Group


@click.group(cls=Group)
def context() -> None:
    """Services by name, with their tokens.

    They are kept in ~/.config/sieve/contexts.yaml, which none but you may read. SIEVE_ADDRESS and SIEVE_TOKEN go first.
    """


@context.command()
@click.argument("name")
@click.option("--address", "where", required=True, metavar="URL", help="Address of the service.")
@click.option("--token-file", metavar="FILE", help="File with the token, - for the input.  [default: asks for it]")
def add(name: str, where: str, token_file: str | None) -> None:
    """Add a service, or give it another address or token.

    The token is asked for without being shown; leave it empty where none is needed. The first service is in use.
    """
    from service.interface.contexts import contexts
    from service.interface.contexts.address import address
    from service.interface.contexts.token_source import read_token

    contexts.check_name(name)
    known, normal = contexts.read(contexts.place()), address(where)
    token = _typed() if token_file is None else read_token(token_file)
    made = known.with_(contexts.Context(name, normal, token))
    contexts.write(contexts.place(), made)
    verb = ("changed" if name in known.known else "added") + ("" if token else " without a token")
    click.echo(
        f"{name} is {verb}" + ("; it is in use" if made.current == name else f"; use it with: sieve context use {name}")
    )


@context.command()
@click.argument("name", required=False)
@click.option("--none", is_flag=True, help="None: the sweeps of this machine.")
def use(name: str | None, none: bool) -> None:
    """Choose the service that verbs ask.

    With --none they are about this machine again.
    """
    from service.interface.contexts import contexts
    from service.spec.errors import UserError

    if (name is None) != none:
        raise UserError("what is to be used is not clear", "name a context, or give --none")
    changed = contexts.read(contexts.place()).using(name)
    contexts.write(contexts.place(), changed)
    found = changed.in_use
    click.echo("verbs are about this machine" if found is None else f"verbs ask {found.name} at {found.address}")


@context.command()
@verb_options.output
def ls(output: str) -> None:
    """List the services."""
    from service.interface.contexts import contexts
    from service.interface.text import tables

    known = contexts.read(contexts.place())
    rows = [
        {
            "context": one.name,
            "address": one.address,
            "token": one.token is not None,
            "in_use": one.name == known.current,
        }
        for one in known.known.values()
    ]
    if output == "table":
        words = {True: "yes", False: None}
        rows = [{key: words[value] if isinstance(value, bool) else value for key, value in row.items()} for row in rows]
    click.echo(tables.render(rows, output, "no contexts yet; add one with: sieve context add NAME --address URL"))


@context.command()
@click.argument("name")
def rm(name: str) -> None:
    """Forget a service and its token."""
    from service.interface.contexts import contexts

    changed = contexts.read(contexts.place()).without(name)
    contexts.write(contexts.place(), changed)
    click.echo(f"{name} is forgotten")


def _typed() -> str | None:
    """The token that a person types, without its being shown; None for none."""
    from service.interface.contexts.token_source import checked

    if sys.stdin.isatty():
        typed = str(click.prompt("token", hide_input=True, default="", show_default=False, err=True))
    else:  # a pipe: nothing is shown there
        typed = sys.stdin.readline()
    return checked(typed, "the answer") if typed.strip() else None


VERBS = (context,)
