"""Looking after heads: what is silent is looked for, what is dead is taken over, what crashes again and again fails."""

from __future__ import annotations

import logging
from itertools import islice

from service.engine.daemon.daemon_settings import DaemonSettings
from service.engine.daemon.starts import Starts
from service.engine.launch.launcher import Launcher
from service.ledger.records import SweepRecord
from service.ledger.store.store import LostClaim, Store
from service.ledger.wishes import FULFILLED, step
from service.spec.errors import SieveError
from service.spec.states import STATE_WISHED, WISHES_TO_LEAVE

LOGGER = logging.getLogger("service.daemon")

Attempt = tuple[str, int]
"""A sweep's name and which of its heads it is."""

LOG_PIECES = 1000
LINE = 500


class Watch:
    """Watches over the heads of a store; ``holder`` is the daemon's name.

    Silence is what this process has heard of nobody while it listened: clocks of other machines, which write the
    heartbeats, do not matter.
    """

    def __init__(self, store: Store, launcher: Launcher, settings: DaemonSettings, starts: Starts, holder: str) -> None:
        self._store = store
        self._launcher = launcher
        self._settings = settings
        self._starts = starts
        self._holder = holder
        self._heard: dict[Attempt, tuple[float | None, float]] = {}
        self._asked: dict[tuple[str, int, str], float] = {}

    def waiting(self, record: SweepRecord, how: str = "") -> None:
        """A sweep without a head: what a person wishes of it is done at once."""
        if record.wish is None:
            return
        if step(record.state, record.wish) == "keep":
            self._store.withdraw(record.name)
        else:
            self._store.settle(record.name, STATE_WISHED[record.wish], f"{FULFILLED[record.wish]}{how}")

    def headed(self, record: SweepRecord, passed: float, now: float) -> None:
        """A sweep with a head, ``passed`` seconds after all of them were looked at before."""
        if record.holder != "daemon":
            return
        silent = self._silence(record, passed)
        if self._disobeys(record, now):
            self._end(record)
            return
        if silent < self._settings.silence:
            return
        launch = self._launch(record)
        lives = None if launch is None else self._launcher.alive(launch)
        if silent < {True: self._settings.stuck, None: self._settings.unknown}.get(lives, 0.0):
            return
        if launch is not None and lives is not False:
            self._stop(launch)
        self._take_over(record, launch, silent, now)

    def forget(self, names: set[str]) -> None:
        """Only sweeps of these ``names`` still have heads."""
        self._heard = {key: heard for key, heard in self._heard.items() if key[0] in names}
        self._asked = {key: asked for key, asked in self._asked.items() if key[0] in names}

    def _silence(self, record: SweepRecord, passed: float) -> float:
        key = (record.name, record.attempt)
        before, silent = self._heard.get(key, (None, 0.0))
        silent = silent + passed if key in self._heard and before == record.heartbeat else 0.0
        self._heard[key] = (record.heartbeat, silent)
        return silent

    def _disobeys(self, record: SweepRecord, now: float) -> bool:
        """Whether a head has been told long ago to end, and has not. It may be heard of and yet do nothing any more."""
        if record.wish not in WISHES_TO_LEAVE:
            return False
        patience = self._settings.obey if record.wish == "cancel" else self._settings.stuck
        return now - self._asked.setdefault((record.name, record.attempt, record.wish), now) > patience

    def _take_over(self, record: SweepRecord, launch: str | None, silent: float, now: float) -> None:
        if record.wish in WISHES_TO_LEAVE:
            self._settle(record, "after its head was lost")
            return
        name, words = record.name, self._last_words(launch)
        LOGGER.warning("%s: head %d is silent for %.0f s; its last words: %s", name, record.attempt, silent, words)
        if record.barren >= self._settings.attempts:
            why = f"{record.barren} heads in a row ended before any report, the last one with: {words}"
            self._store.end(name, record.attempt, "FAILED", f"{why}; mend the cause and resume it")
            return
        taken = self._store.reclaim(name, record.attempt, self._holder)
        if taken is not None:
            self._starts.start(taken, now)

    def _end(self, record: SweepRecord) -> None:
        launch = self._launch(record)
        if launch is None or self._stop(launch):
            self._settle(record, "after its head did not obey and was stopped")

    def _settle(self, record: SweepRecord, how: str) -> None:
        """Do what the head was to do. It may not write from here on, whether or not it still lives."""
        why = record.why if record.wish == "yield" else how
        self._store.requeue(record.name, record.attempt, why)
        self.waiting(self._store.sweep(record.name), f", {how}")

    def _launch(self, record: SweepRecord) -> str | None:
        head = self._store.heads.of(record.name)
        return head.launch if head is not None and head.attempt == record.attempt else None

    def _stop(self, launch: str) -> bool:
        try:
            self._launcher.stop(launch)
        except SieveError as error:
            LOGGER.warning("%s", error)
            return False
        return True

    def _last_words(self, launch: str | None) -> str:
        """The last line of a head's log."""
        last = ""
        try:
            for piece in islice(self._launcher.logs(launch) if launch else (), LOG_PIECES):
                last = (last + piece)[-10 * LINE :]
        except (SieveError, OSError) as error:
            return str(error)
        lines = [line.strip() for line in last.splitlines() if line.strip()]
        return lines[-1][:LINE] if lines else "it said nothing"


def quietly(name: str, error: SieveError) -> None:
    """What went wrong with one sweep keeps no other from its turn."""
    level = logging.INFO if isinstance(error, LostClaim) else logging.WARNING
    LOGGER.log(level, "%s: %s", name, error)
