"""Starting heads: each with a fresh ticket; what cannot be started waits and is tried again."""

from __future__ import annotations

import logging

from service.engine.daemon.daemon_settings import DaemonSettings
from service.engine.launch.launcher import Launch, Launcher
from service.ledger.over_http.head_secret import digest, fresh
from service.ledger.records import SweepRecord
from service.ledger.store.store import LostClaim, Store
from service.spec.errors import SieveError

LOGGER = logging.getLogger("service.daemon")

DOUBLINGS = 6


def delayed(record: SweepRecord, now: float) -> str | None:
    """Why the start of a queued sweep is delayed (back-off after failed launches); None: it is not."""
    if record.due is None or record.due <= now:
        return None
    return f"{record.why}; next try in {record.due - now:.0f} s"


class Starts:
    """Starts the heads of claimed sweeps."""

    def __init__(self, store: Store, launcher: Launcher, settings: DaemonSettings) -> None:
        self._store = store
        self._launcher = launcher
        self._settings = settings

    def start(self, record: SweepRecord, now: float) -> bool:
        """Launch the head of a claimed sweep; False if that failed and the sweep is in the queue again.

        The ticket is stored before the launch, so that a daemon that dies in between loses nothing: the next one sees
        whether the head enrolls.
        """
        name, attempt, ticket = record.name, record.attempt, fresh()
        try:
            self._store.heads.launched(name, attempt, None, digest(ticket))
            launch = self._launcher.start(self._launch(record, ticket))
            self._store.heads.launched(name, attempt, launch, digest(ticket))
        except LostClaim as error:  # The head has ended already, or another daemon has the lease.
            LOGGER.info("%s", error)
        except SieveError as error:
            self._failed(record, error, now)
            return False
        LOGGER.info("%s: head %d is launched", name, attempt)
        return True

    def _launch(self, record: SweepRecord, ticket: str) -> Launch:
        settings = self._settings
        return Launch(
            record.name,
            record.attempt,
            record.owner,
            settings.address,
            ticket,
            settings.code(record),
            settings.storage,
            f"{settings.address.rstrip('/')}/api/v1/sweeps/{record.name}",
            record.created,
            settings.trust,
        )

    def _failed(self, record: SweepRecord, error: SieveError, now: float) -> None:
        wait = self._settings.backoff * 2 ** min(record.delays, DOUBLINGS)
        LOGGER.warning("%s: could not start, try %d: %s", record.name, record.delays + 1, error)
        self._store.requeue(record.name, record.attempt, f"could not start: {error.message}", due=now + wait)
