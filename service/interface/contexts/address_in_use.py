"""The address of the service that a person means: as given, by the environment, or of the context in use."""

from __future__ import annotations

import os

from service.interface.contexts import contexts
from service.interface.contexts.address import address as written


def address_of(given: str | None) -> str | None:
    """The address of the service that is meant: ``given``, else by the environment, else of the context in use."""
    given = given or os.environ.get("SIEVE_ADDRESS")
    if given:
        return written(given)
    if os.environ.get("SIEVE_HOME"):
        return None
    known = contexts.read(contexts.place()).in_use
    return None if known is None else known.address
