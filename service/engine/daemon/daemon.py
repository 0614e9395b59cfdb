"""One pass after another over all sweeps; whatever must not be forgotten is in the store."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from cluster.errors import ClusterError
from cluster.inventory import Node
from service.engine.daemon.demands import demand, quotas
from service.engine.daemon.settings import Settings
from service.engine.daemon.starts import Starts
from service.engine.daemon.watch import HOLDER, Watch, quietly
from service.engine.identity import identity
from service.engine.launch.launcher import Launcher
from service.ledger.records import SweepRecord
from service.ledger.store import HEADED, Store
from service.policy.share import Allotment, Capacity, share
from service.spec.errors import SieveError

LOGGER = logging.getLogger("service.daemon")

LEASE = "daemon"


class Daemon:
    """Runs the sweeps of ``store`` on the cluster whose nodes ``inventory`` tells, with heads that ``launcher`` starts.

    Several daemons may have one store: the one with the lease acts, the others wait for it. A daemon may die at any
    moment, and heads go on meanwhile.
    """

    def __init__(
        self, store: Store, launcher: Launcher, inventory: Callable[[], Sequence[Node]], settings: Settings
    ) -> None:
        self._store = store
        self._launcher = launcher
        self._inventory = inventory
        self._settings = settings
        self._holder = f"{HOLDER}{identity()}:{id(self)}"
        self._starts = Starts(store, launcher, settings)
        self._watch = Watch(store, launcher, settings, self._starts, self._holder)
        self._since: float | None = None
        self._ailing: str | None = None
        self._looked = -math.inf
        self._nodes: list[Mapping[str, float]] | None = None

    @property
    def ailing(self) -> str | None:
        """Why no sweep can start now, in words; None while they can."""
        return self._ailing

    def run(self, stop: threading.Event) -> None:
        """Step until ``stop`` is set. Heads are left alone then: the next daemon finds them."""
        while not stop.is_set():
            try:
                self.step(time.time())
            except SieveError as error:  # The store is away; it is asked again.
                self._ailing = str(error)
                LOGGER.warning("%s", error)
            except Exception:
                LOGGER.exception("a step of the daemon failed; it goes on")
            stop.wait(self._settings.period)
        with suppress(SieveError):
            self._store.lease(LEASE, self._holder, 0.0)

    def step(self, now: float) -> bool:
        """One pass at ``now``, in seconds since the epoch; False, and nothing is done, while another daemon acts.

        Raises:
            SieveError: the store is away.
        """
        if not self._store.lease(LEASE, self._holder, self._settings.lease):
            self._since = None
            return False
        since = self._since = now if self._since is None else self._since
        known = self._store.sweeps(("QUEUED", "PAUSED", *HEADED))
        waiting, running = [[one for one in known if (one.state in HEADED) == headed] for headed in (False, True)]
        for record in waiting:
            self._each(record, self._watch.waiting)
        for record in running:
            self._each(record, partial(self._watch.headed, since=since, now=now))
        queued = [record for record in waiting if record.state == "QUEUED" and record.wish is None]
        self._share(queued, running, now)
        names = {record.name for record in known}
        self._starts.forget(names)
        self._watch.forget(names)
        return True

    def logs(self, record: SweepRecord, follow: bool = False) -> Iterator[str]:
        """What the newest head of a sweep has printed, in pieces."""
        head = self._store.heads.of(record.name)
        if head is not None and head.launch is not None:
            yield from self._launcher.logs(head.launch, follow)

    def _each(self, record: SweepRecord, act: Callable[[SweepRecord], object]) -> None:
        try:
            act(record)
        except SieveError as error:
            quietly(record.name, error)

    def _share(self, queued: Sequence[SweepRecord], running: Sequence[SweepRecord], now: float) -> None:
        """Share the cluster out and start what may start; while it is away all stays as it is."""
        if not queued and not running:
            return
        nodes = self._look(now)
        if nodes is None:
            self._store.share({record.name: (None, self._ailing or "") for record in queued})
            return
        allotments = self._allot([*queued, *running], nodes)
        waits = {record.name: self._starts.delayed(record.name, now) for record in queued}
        self._store.share(_told(allotments, waits))
        may = {name for name, given in allotments.items() if given.runs}
        ready = [record.name for record in queued if record.name in may and waits[record.name] is None]
        while ready:
            record = self._store.next(self._holder, ready)
            if record is None:
                return
            ready.remove(record.name)
            self._each(record, partial(self._starts.start, now=now))
            self._store.lease(LEASE, self._holder, self._settings.lease)  # A launch may take its time.

    def _look(self, now: float) -> list[Mapping[str, float]] | None:
        """What the nodes of the cluster have, not older than ``look`` seconds; None while it does not answer."""
        if now - self._looked >= self._settings.look:
            self._looked = now
            try:
                self._nodes = [node.resources for node in self._inventory() if node.alive]
                self._ailing = None
            except (ClusterError, SieveError) as error:
                self._nodes, self._ailing = None, f"the cluster does not answer: {error}"
        return self._nodes

    def _allot(self, records: Sequence[SweepRecord], nodes: Sequence[Mapping[str, float]]) -> dict[str, Allotment]:
        demands = []
        for record in sorted(records, key=lambda record: record.created):
            self._each(record, lambda record: demands.append(demand(record, nodes)))  # one may be of a newer Sieve
        owners = [record.owner for record in records]
        return share(demands, Capacity(nodes, self._settings.sweeps), quotas(self._store, owners))


def _told(allotments: Mapping[str, Allotment], waits: Mapping[str, str | None]) -> dict[str, tuple[int | None, str]]:
    """What the store is told: slots, and what a sweep waits for."""
    return {
        name: (given.slots if given.runs else None, waits.get(name) or given.reason)
        for name, given in allotments.items()
    }
