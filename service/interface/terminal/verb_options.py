"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from service.interface.source import Source

Verb = TypeVar("Verb", bound=Callable[..., Any])


def home(verb: Verb) -> Verb:
    """``--home DIR``: where the ledger lies; without it SIEVE_HOME, else the nearest .sieve folder."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        callback=_found,
        help="Folder of the ledger.  [default: $SIEVE_HOME, else the nearest .sieve folder, else ./.sieve]",
    )(verb)


def source(verb: Callable[..., Any]) -> Callable[..., Any]:
    """``--address URL`` and ``--home DIR``: where the sweeps are. The verb gets a `Source` as ``source``.

    Without either, see `service.interface.source_choice.choose`.
    """

    @wraps(verb)
    def asked(*arguments: Any, address: str | None, home: Path | None, **others: Any) -> Any:
        from service.interface.source_choice import choose

        with closing(choose(address, home)) as chosen:
            try:
                return verb(*arguments, source=chosen, **others)
            except ModuleNotFoundError as error:
                raise _lacking(error, chosen) from error

    local = click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of a ledger on this machine.  [default: $SIEVE_HOME, else the nearest .sieve folder]",
    )
    remote = click.option(
        "--address", metavar="URL", help="Address of a service.  [default: $SIEVE_ADDRESS, else the context in use]"
    )
    return remote(local(asked))


def output(verb: Verb) -> Verb:
    """``-o table|json|csv``: the form of a listing."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "csv"]),
        default="table",
        show_default=True,
        help="Form of the listing; json and csv hold every column in full precision.",
    )(verb)


def sweep(verb: Verb) -> Verb:
    """The argument NAME."""
    return click.argument("name")(verb)


def _lacking(error: ModuleNotFoundError, source: Source) -> Exception:
    """The error for a package that is not installed: sweeps at an address may need none."""
    from service.spec.extras import missing

    verb = f"sieve {click.get_current_context().command_path.partition(' ')[2]}"
    told = missing(error, verb if source.home is None else f"{verb} on this machine")
    if told is not None and source.home is not None:
        told.cure += ", or name a service with --address, SIEVE_ADDRESS or sieve context use"
    return told or error


def _found(_: click.Context, __: click.Parameter, chosen: Path | None) -> Path:
    if chosen is not None:
        return chosen.absolute()
    from service.ledger.folder import find_home

    return find_home()
