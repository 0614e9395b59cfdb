"""The settings and services of the routes."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from service.engine.packages.package_store import Limits, Packages
from service.engine.submit.served import Inventory
from service.interface.api.failed_logins import FailedLogins
from service.interface.api.problems import Refusal
from service.ledger.home import checkpoint_folder, report_file, spool_folder
from service.ledger.records import SweepRecord
from service.ledger.store.store import Store

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PREFIX = "/api/v1"


@dataclass
class ServiceSettings:
    """A service: its store and home, and what it knows of the cluster.

    ``storage`` is where sweeps keep their checkpoints (default: home). ``hosts`` are the names that requests may give
    as their host; with ``any_address`` every IP address, too. ``body`` and ``batch`` are the most bytes of a request,
    and of one that a head sends. ``inventory`` says what nodes there are and ``logs`` what the head of a sweep has
    printed, where a daemon knows; ``ailing`` says in words why the service cannot do its work, None while it can.
    ``stop`` is set when the service ends, and with it every stream. Streams look for news every ``interval`` seconds,
    and send a comment every ``heartbeat`` seconds; each user has at most ``streams`` of them, and ``listeners``
    says how many now.
    """

    store: Store
    home: Path
    storage: Path | None = None
    hosts: frozenset[str] = LOOPBACK
    any_address: bool = False
    body: int = 1 << 20
    batch: int = 64 << 20
    limits: Limits = field(default_factory=Limits)
    inventory: Inventory | None = None
    logs: Callable[[SweepRecord], Iterator[str]] | None = None
    ailing: Callable[[], str | None] = lambda: None
    stop: threading.Event = field(default_factory=threading.Event)
    interval: float = 0.5
    heartbeat: float = 15.0
    streams: int = 50
    listeners: Counter[str] = field(default_factory=Counter)
    failures: FailedLogins = field(default_factory=FailedLogins)

    @property
    def packages(self) -> Packages:
        """The store of code packages."""
        return Packages(self.home / "packages", self.limits)

    def tidy(self) -> None:
        """Delete the code that no sweep has."""
        self.packages.tidy(self.store.packages())

    def check_streams(self, user: str) -> None:
        """Raise Refusal where ``user`` has as many streams as a user may have."""
        if self.listeners[user] >= self.streams:
            told = f"{user} has {self.streams} streams open, as many as one may have"
            raise Refusal(429, told, "close some, and try again", {"Retry-After": "5"})

    @contextmanager
    def listening(self, user: str) -> Iterator[None]:
        """While the context lasts ``user`` has one stream more."""
        self.listeners[user] += 1
        try:
            yield
        finally:
            self.listeners[user] -= 1

    def discard(self, name: str) -> None:
        """Delete the files of a sweep."""
        for root in {self.home, self.storage or self.home}:
            for folder in (checkpoint_folder(root, name), spool_folder(root, name)):
                shutil.rmtree(folder, ignore_errors=True)
        report_file(self.home, name).unlink(missing_ok=True)


def settings_of(request: Request) -> ServiceSettings:
    """The settings of the service that a request came to."""
    settings: ServiceSettings = request.app.state.settings
    return settings


Here = Annotated[ServiceSettings, Depends(settings_of)]
