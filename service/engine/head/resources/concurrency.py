"""The limit of a head's trials at once (Tune: ``max_concurrent_trials``), and which trials pause when it falls."""

from __future__ import annotations

import threading

from service.engine.head.resources.gpu_packing import GpuPacking
from service.engine.head.trial_log import TrialLog
from service.ledger.ledger import Needs, Orders


class Concurrency:
    """The slots of a head: as many trials as the cluster has room for, or fewer by the orders of the service.

    `obey` is called by the heartbeat's thread, all else by the Tune loop. Where orders leave fewer slots than there are
    trials, those with the least progress give theirs up, each at its next report. A trial that was chosen stays chosen:
    two that overtake each other at every report would both train on.
    """

    def __init__(self, trial_log: TrialLog, gpu_packing: GpuPacking) -> None:
        self._trial_log = trial_log
        self.gpu_packing = gpu_packing
        self._ordered: int | None = None
        self._live: set[int] = set()
        self._leaving: set[int] = set()
        self._limits: dict[int, int] = {}
        self._waiting: int | None = None
        self._news = threading.Condition()

    @property
    def room(self) -> int:
        """How many trials the cluster has room for at once, whatever the orders; fewer where `limit` says so."""
        return min([self.gpu_packing.slots, *self._limits.values()])

    @property
    def count(self) -> int:
        """How many trials may run at once; 0: all wait."""
        return self.room if self._ordered is None else min(self.room, self._ordered)

    @property
    def full(self) -> bool:
        """Whether orders leave no slot free, so that no worker is to be kept for the next trial."""
        return self._ordered is not None and self.free <= 0

    @property
    def free(self) -> int:
        """How many more trials may begin; negative while more train than may."""
        return self.count - len(self._live)

    def obey(self, orders: Orders) -> None:
        """Take the orders of a beat."""
        with self._news:
            self._ordered = orders.slots
            self._news.notify_all()

    def wait(self, seconds: float) -> None:
        """Return as soon as there are other orders, at the latest after ``seconds``."""
        with self._news:
            self._news.wait(seconds)

    def taken(self, number: int) -> None:
        """A trial has got a slot."""
        self._live.add(number)

    def limit(self, number: int, most: int) -> None:
        """Let at most so many trials run at once until a trial, which takes much memory, has left its next slot."""
        self._limits[number] = most

    def left(self, number: int) -> None:
        """A trial has left its slot."""
        self._limits.pop(number, None)
        self._live.discard(number)
        self._leaving.discard(number)

    def wants(self, waiting: int | None) -> None:
        """Note how many trials wait for a slot; None: any number of slots would find something to do."""
        self._waiting = waiting

    def needs(self) -> Needs:
        """The needs of the sweep, sent with each heartbeat: slots in use and wanted, resources of a trial."""
        live, room = list(self._live), self.room
        running = sum(self._trial_log.trials[number].state == "RUNNING" for number in live)
        wanted = room if self._waiting is None else min(room, len(live) + self._waiting)
        return Needs(running, max(wanted, running), self.gpu_packing.asks)

    def gives_up(self, number: int) -> str | None:
        """Why a trial that has just reported gives its slot up, in words; None: it trains on."""
        surplus = 0 if self._ordered is None else max(0, len(self._live) - self._ordered)
        self._leaving &= self._live
        ranked = sorted(self._live, key=self._progress)
        for other in reversed(ranked):
            if len(self._leaving) > surplus:
                self._leaving.discard(other)
        for other in ranked:
            if len(self._leaving) < surplus:
                self._leaving.add(other)
        if number not in self._leaving:
            return None
        return f"gave its place up: {self._ordered} of {self.room} slots are the sweep's now"

    def _progress(self, number: int) -> tuple[int, int, int]:
        """The sort key of a trial's progress, least first; of equals the newest."""
        stage, done = self._trial_log.track(number).reported or (-1, 0)
        return stage, done, -number
