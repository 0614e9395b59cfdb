"""Where the results come from: a home of this machine, or a service at an address."""

from __future__ import annotations

from pathlib import Path

from service.interface.contexts import contexts
from service.interface.contexts.address_in_use import address_of
from service.interface.contexts.token_source import token_for
from service.interface.source.local import LocalSource
from service.interface.source.source import Source
from service.ledger.folder import find_home
from service.spec.errors import UserError


def choose(address: str | None = None, home: Path | None = None) -> Source:
    """The source that a person means: the first that is given of ``address``, ``home``, SIEVE_ADDRESS, SIEVE_HOME, the
    context in use; else the home that `find_home` finds.

    Raises:
        UserError: both are given, the address is none, or the contexts cannot be read.
    """
    if address is not None and home is not None:
        raise UserError(f"both --address {address} and --home {home} are given", "choose one of them")
    if home is not None:
        return LocalSource(home.absolute())
    where = address_of(address)
    return LocalSource(find_home()) if where is None else at(where)


def at(where: str, token: str | None = None) -> Source:
    """The service at the address ``where``; without ``token`` the one that is known for it."""
    from service.interface.remote.connection import Connection
    from service.interface.remote.remote_source import RemoteSource

    known = contexts.read(contexts.place())
    return RemoteSource(Connection(where, lambda: token or token_for(where, known)))
