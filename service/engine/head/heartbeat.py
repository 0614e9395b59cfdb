"""The heartbeat thread of a head: writes the trial log to the ledger, renews the claim, reads wishes and orders."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cluster.connect import is_joined
from service.engine.head.checkpoint_retention import CheckpointRetention
from service.engine.head.dashboard_metrics import DashboardMetrics
from service.engine.head.resources.concurrency import Concurrency
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.ledger.ledger import Needs, Orders
from service.spec import Spec
from service.spec.errors import SieveError

PERIOD = 0.5
"""Seconds between two writes: nothing that happened is older than this outside the ledger, plus the write itself."""

Renew = Callable[[str | None, Needs | None], Orders]
"""Renews the claim on a sweep, with its new state and what its head needs, if there is anything to say."""


class Heartbeat:
    """Writes and beats every half second, from each time that it is entered until it is left.

    ``renew`` is `Ledger.beat` of the sweep. ``concurrency`` says what the head needs and takes its orders; without it
    the head trains nothing yet. Where a cluster was joined, the cluster's metrics are fed at each beat.
    """

    def __init__(
        self,
        spec: Spec,
        trial_log: TrialLog,
        stopper: SweepStopper,
        renew: Renew,
        concurrency: Concurrency | None = None,
    ) -> None:
        self._trial_log = trial_log
        self._stopper = stopper
        self._renew = renew
        self._concurrency = concurrency
        self._retention = CheckpointRetention(spec, trial_log)
        self._metrics: DashboardMetrics | None = None
        if concurrency is not None and is_joined():
            self._metrics = DashboardMetrics(spec, trial_log, lambda: concurrency.count)

    def __enter__(self) -> Heartbeat:
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sieve-heartbeat", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        if self._metrics is not None:
            self._metrics.close()

    def write(self) -> bool:
        """Write everything down now; False, and the sweep pauses, if the ledger does not take it."""
        try:
            written = self._trial_log.flush()
            while self._retention.remove(written):  # That changes rows, and others may have come meanwhile.
                written = self._trial_log.flush()
        except SieveError as error:
            self._stopper.pause(str(error))
            return False
        return True

    def beat(self) -> None:
        """Renew the claim now and read wishes and orders; the sweep pauses if the ledger refuses.

        A head that is about to end does not send RUNNING: the ledger would take a wish to resume for fulfilled.
        """
        needs = None if self._concurrency is None else self._concurrency.needs()
        try:
            orders = self._renew("RUNNING" if self._stopper.ending is None else None, needs)
        except SieveError as error:
            self._stopper.pause(str(error))
            return
        if self._concurrency is not None:
            self._concurrency.obey(orders)
        self._stopper.wish(orders.wish)

    def _run(self) -> None:
        while not self._closing.wait(PERIOD):
            if self.write():
                self.beat()
            if self._metrics is not None:
                self._metrics.feed()
