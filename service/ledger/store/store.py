"""The store: the one front to the database of all sweeps, their trials, reports and decisions, and their queue."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import URL

from service.ledger.database.database import Database, patient
from service.ledger.errors import (
    AlreadyRunning,
    DiskFull,
    KeyInUse,
    LostClaim,
    NameInUse,
    UnknownSweep,
    Unreachable,
)
from service.ledger.store import leases
from service.ledger.store.catalog import Alive, Catalog
from service.ledger.store.events import Events
from service.ledger.store.heads import Heads
from service.ledger.store.queue import Queue
from service.ledger.store.quotas import Quotas
from service.ledger.store.sweep_ledger import SweepLedger
from service.ledger.store.tokens import Tokens

__all__ = [
    "Alive",
    "AlreadyRunning",
    "DiskFull",
    "KeyInUse",
    "LostClaim",
    "NameInUse",
    "Store",
    "UnknownSweep",
    "Unreachable",
]


class Store(Catalog, Queue, SweepLedger):
    """The ledger of all sweeps in the database at ``url``; safe to use from several threads and processes.

    A database that stops answering, such as one that restarts, is waited for: see ``PATIENCE`` in
    `service.ledger.database.database`.

    Raises:
        UserError: the database cannot be opened or written.
        NewerSchema: it was written by a newer Sieve.
    """

    def __init__(self, url: str | URL) -> None:
        self.database = Database(url)
        self.heads = Heads(self.database)
        self.quotas = Quotas(self.database)
        self.tokens = Tokens(self.database)
        self.events = Events(self.database)

    def usage(self) -> Mapping[str, float]:
        """GPU seconds by owner, see `Quotas.usage`."""
        return self.quotas.usage()

    @patient
    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew the lease ``name`` (up to 32 characters) for ``seconds`` from now; False while another has it.

        0 seconds give it back.
        """
        return leases.take(self.database, name, holder, seconds)
