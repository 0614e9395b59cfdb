"""The head's second thread: writes the journal, keeps the claim alive, hears wishes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from service.engine.head.checkpoint_retention import CheckpointRetention
from service.engine.head.dashboard_metrics import DashboardMetrics
from service.engine.head.trial_log import TrialLog
from service.engine.head.tune.stopper import SweepStopper
from service.ledger.ledger import Orders
from service.spec.errors import SieveError

PERIOD = 0.5
"""Seconds between two writes: nothing that happened is older than this outside the ledger, plus the write itself."""


class Heartbeat:
    """Beats every half second until closed. ``beat`` renews the claim and returns what a person wishes.

    ``gauges`` are fed at each beat, if there are any.
    """

    def __init__(
        self,
        trial_log: TrialLog,
        retention: CheckpointRetention,
        stopper: SweepStopper,
        beat: Callable[[], Orders],
        metrics_feed: DashboardMetrics | None = None,
    ) -> None:
        self._trial_log = trial_log
        self._retention = retention
        self._stopper = stopper
        self._renew = beat
        self._metrics_feed = metrics_feed
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sieve-pulse", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        if self._metrics_feed is not None:
            self._metrics_feed.close()

    def write(self) -> bool:
        """Write everything down now; False, and the sweep pauses, if the ledger does not take it."""
        try:
            doomed = self._retention.take()
            self._trial_log.flush()
            if doomed:
                self._retention.remove(doomed)
                self._trial_log.flush()
        except SieveError as error:
            self._stopper.pause(str(error))
            return False
        return True

    def beat(self) -> None:
        """Renew the claim now, and hear what a person wishes; the sweep pauses if the ledger refuses."""
        try:
            self._stopper.wish(self._renew().wish)
        except SieveError as error:
            self._stopper.pause(str(error))

    def _run(self) -> None:
        while not self._closing.wait(PERIOD):
            if self.write():
                self.beat()
            if self._metrics_feed is not None:
                self._metrics_feed.feed()
