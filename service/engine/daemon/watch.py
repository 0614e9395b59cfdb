"""Looking after heads: what is silent is looked for, what is dead is taken over, what crashes again and again fails."""

from __future__ import annotations

import logging
from collections import Counter
from itertools import islice

from service.engine.daemon.settings import Settings
from service.engine.daemon.starts import Starts
from service.engine.launch.launcher import Launcher
from service.ledger.records import SweepRecord
from service.ledger.store import LostClaim, Store
from service.spec.errors import SieveError

LOGGER = logging.getLogger("service.daemon")

ENDS = {"pause": "PAUSED", "stop": "STOPPED", "cancel": "CANCELLED", "resume": "QUEUED"}
"""What each wish makes of a sweep without a head."""

WORDS = {"pause": "paused", "stop": "stopped", "cancel": "cancelled", "resume": "resumed"}

HOLDER = "daemon "
"""How daemons' names begin, by which sweeps that they started are told from those that people run themselves."""

LOG_PIECES = 1000
LINE = 500


class Watch:
    """Watches over the heads of a store; ``holder`` is the daemon's name.

    How often a sweep's head crashed is known to this process alone: a new daemon begins to count again.
    """

    def __init__(self, store: Store, launcher: Launcher, settings: Settings, starts: Starts, holder: str) -> None:
        self._store = store
        self._launcher = launcher
        self._settings = settings
        self._starts = starts
        self._holder = holder
        self._barren: Counter[str] = Counter()
        self._asked: dict[tuple[str, int], float] = {}

    def waiting(self, record: SweepRecord) -> None:
        """A sweep without a head: what a person wishes of it is done at once."""
        if record.wish is None:
            return
        state = ENDS[record.wish]
        if record.state == state or (record.state == "QUEUED" and record.wish == "resume"):
            self._store.withdraw(record.name)
        else:
            self._store.settle(record.name, state, f"{WORDS[record.wish]} as wished")

    def headed(self, record: SweepRecord, since: float, now: float) -> None:
        """A sweep with a head, which is heard of by a daemon that has led ``since``."""
        if not (record.head or "").startswith(HOLDER):
            return
        if record.wish == "cancel":
            asked = self._asked.setdefault((record.name, record.attempt), now)
            if now - asked > self._settings.obey:
                self._end(record, f"its head did not cancel in {self._settings.obey:.0f} s and was stopped")
                return
        silent = now - max(record.heartbeat or record.claimed or since, since)
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
        """Only sweeps of these ``names`` are still there."""
        self._barren = Counter({name: count for name, count in self._barren.items() if name in names})
        self._asked = {key: asked for key, asked in self._asked.items() if key[0] in names}

    def _take_over(self, record: SweepRecord, launch: str | None, silent: float, now: float) -> None:
        if record.wish in ("pause", "stop", "cancel"):
            self._settle(record, f"{WORDS[record.wish]} as wished, after its head was lost")
            return
        name, words = record.name, self._last_words(launch)
        self._barren[name] = 0 if self._was_fruitful(record) else self._barren[name] + 1
        LOGGER.warning("%s: head %d is silent for %.0f s; its last words: %s", name, record.attempt, silent, words)
        if self._barren[name] >= self._settings.attempts:
            why = f"{self._barren[name]} heads in a row ended before any report, the last one with: {words}"
            self._store.end(name, record.attempt, "FAILED", f"{why}; mend the cause and resume it")
            del self._barren[name]
            return
        taken = self._store.reclaim(name, record.attempt, self._holder)
        if taken is not None:
            self._starts.start(taken, now)

    def _was_fruitful(self, record: SweepRecord) -> bool:
        """Whether this attempt has brought a report: ``seconds`` is the running time of those before it."""
        reports = self._store.reports(record.name)
        return bool(reports) and reports[-1].time > record.seconds

    def _end(self, record: SweepRecord, why: str) -> None:
        launch = self._launch(record)
        if launch is None or self._stop(launch):
            self._settle(record, f"cancelled as wished: {why}")

    def _settle(self, record: SweepRecord, why: str) -> None:
        """The sweep's head may not write from here on, whether or not it still lives."""
        self._store.requeue(record.name, record.attempt, why)
        self._store.settle(record.name, ENDS[record.wish or "pause"], why)

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
