"""The head's second thread: writes the journal, keeps the claim alive, hears wishes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from service.engine.head.checkpoint_retention import Keeper
from service.engine.head.dashboard_metrics import Gauges
from service.engine.head.trial_log import Journal
from service.engine.head.tune.stopper import Course
from service.ledger.ledger import Orders
from service.spec.errors import SieveError

PERIOD = 0.5
"""Seconds between two writes: nothing that happened is older than this outside the ledger, plus the write itself."""


class Pulse:
    """Beats every half second until closed. ``beat`` renews the claim and returns what a person wishes.

    ``gauges`` are fed at each beat, if there are any.
    """

    def __init__(
        self,
        journal: Journal,
        keeper: Keeper,
        course: Course,
        beat: Callable[[], Orders],
        gauges: Gauges | None = None,
    ) -> None:
        self._journal = journal
        self._keeper = keeper
        self._course = course
        self._renew = beat
        self._gauges = gauges
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sieve-pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        if self._gauges is not None:
            self._gauges.close()

    def write(self) -> bool:
        """Write everything down now; False, and the sweep pauses, if the ledger does not take it."""
        try:
            doomed = self._keeper.take()
            self._journal.flush()
            if doomed:
                self._keeper.remove(doomed)
                self._journal.flush()
        except SieveError as error:
            self._course.pause(str(error))
            return False
        return True

    def beat(self) -> None:
        """Renew the claim now, and hear what a person wishes; the sweep pauses if the ledger refuses."""
        try:
            self._course.wish(self._renew().wish)
        except SieveError as error:
            self._course.pause(str(error))

    def _run(self) -> None:
        while not self._closing.wait(PERIOD):
            if self.write():
                self.beat()
            if self._gauges is not None:
                self._gauges.feed()
