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
from service.engine.control.head_process import identity
from service.engine.daemon.daemon_settings import DaemonSettings
from service.engine.daemon.demands import demand
from service.engine.daemon.demands import quotas as quotas_of
from service.engine.daemon.starts import Starts, delayed
from service.engine.daemon.watch import Watch, quietly
from service.engine.launch.launcher import Launcher
from service.ledger.records import SweepRecord
from service.ledger.store.store import Store
from service.policy.cluster_share.fair_share import Allotment, Capacity, Demand, Quota, share
from service.policy.cluster_share.preemption import displaced
from service.spec.errors import SieveError
from service.spec.states import SWEEP_WITH_HEAD, SWEEP_WITHOUT_HEAD, WISHES_TO_LEAVE

LOGGER = logging.getLogger("service.daemon")

LEASE = "daemon"

GAP = 10.0
"""Seconds of silence that lie between two steps at most: whoever did not listen for longer has heard nobody be silent.
The store was away, or the machine slept, and with it perhaps all heads."""


class Daemon:
    """Runs the sweeps of ``store`` on the cluster whose nodes ``inventory`` tells, with heads that ``launcher`` starts.

    Several daemons may have one store: the one with the lease acts, the others wait for it. A daemon may die at any
    moment, and heads go on meanwhile.
    """

    def __init__(
        self, store: Store, launcher: Launcher, inventory: Callable[[], Sequence[Node]], settings: DaemonSettings
    ) -> None:
        self._store = store
        self._launcher = launcher
        self._inventory = inventory
        self._settings = settings
        self._holder = f"daemon {identity()}:{id(self)}"
        self._starts = Starts(store, launcher, settings)
        self._watch = Watch(store, launcher, settings, self._starts, self._holder)
        self._stop = threading.Event()
        self._stepped: float | None = None
        self._ailing: str | None = None
        self._away: str | None = None
        self._looked = -math.inf
        self._nodes: list[Mapping[str, float]] | None = None

    @property
    def ailing(self) -> str | None:
        """Why no sweep can start now, in words; None while they can."""
        return self._away or self._ailing

    def run(self, stop: threading.Event) -> None:
        """Step until ``stop`` is set. Heads are left alone then: the next daemon finds them."""
        self._stop = stop
        while not stop.is_set():
            try:
                self.step(time.time())
                self._away = None
            except SieveError as error:  # The store is away; it is asked again.
                self._away = str(error)
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
        if not self._leads():
            self._stepped = None
            return False
        passed = 0.0 if self._stepped is None else min(GAP, max(0.0, now - self._stepped))
        self._stepped = now
        known = self._store.sweeps((*SWEEP_WITHOUT_HEAD, *SWEEP_WITH_HEAD))
        waiting = [record for record in known if record.state in SWEEP_WITHOUT_HEAD]
        running = [record for record in known if record.state in SWEEP_WITH_HEAD]
        for record in waiting:
            self._each(record, self._watch.waiting)
        for record in running:
            self._each(record, partial(self._watch.headed, passed=passed, now=now))
        queued = [record for record in waiting if record.state == "QUEUED" and record.wish is None]
        self._share(queued, running, now)
        self._watch.forget({record.name for record in running})
        return True

    def logs(self, record: SweepRecord, follow: bool = False) -> Iterator[str]:
        """What the newest head of a sweep has printed, in pieces."""
        head = self._store.heads.of(record.name)
        if head is not None and head.launch is not None:
            yield from self._launcher.logs(head.launch, follow)

    def _leads(self) -> bool:
        """Take or renew the lease."""
        return self._store.lease(LEASE, self._holder, self._settings.lease)

    def _each(self, record: SweepRecord, act: Callable[[SweepRecord], object]) -> None:
        """What goes wrong with one sweep, whatever it is, keeps no other from its turn."""
        try:
            act(record)
        except SieveError as error:
            quietly(record.name, error)
        except Exception:
            LOGGER.exception("%s: this should not have happened; the daemon goes on", record.name)

    def _share(self, queued: Sequence[SweepRecord], running: Sequence[SweepRecord], now: float) -> None:
        """Share the cluster out and start what may start; while it is away all stays as it is."""
        if not queued and not running:
            return
        nodes = self._look(now)
        if nodes is None:
            self._store.share({record.name: (None, self._ailing or "") for record in queued})
            return
        waits = {record.name: why for record in queued if (why := delayed(record, now)) is not None}
        ready = [record for record in queued if record.name not in waits]
        demands = self._demands([*ready, *running], nodes)
        capacity, quotas = Capacity(nodes, self._settings.sweeps), quotas_of(self._store, demands)
        allotments = share(demands, capacity, quotas)
        self._store.share({name: (None, why) for name, why in waits.items()} | _told(allotments, ready))
        self._make_room(demands, capacity, quotas, running)
        self._start([record.name for record in ready if _may_run(allotments, record)], now)

    def _start(self, ready: list[str], now: float) -> None:
        """Start sweeps, one after the other, for as long as it is this daemon's to do: a launch may take its time."""
        while ready and not self._stop.is_set() and self._leads():
            record = self._store.next(self._holder, ready)
            if record is None:
                return
            ready.remove(record.name)
            self._each(record, partial(self._starts.start, now=now))

    def _make_room(
        self,
        demands: Sequence[Demand],
        capacity: Capacity,
        quotas: Mapping[str, Quota],
        running: Sequence[SweepRecord],
    ) -> None:
        """Where a sweep waits and one of lower priority has what it needs, that one is to pause."""
        heads = {record.name: record for record in running if record.holder == "daemon"}
        ages = {name: record.claimed or 0.0 for name, record in heads.items()}
        leaving = {record.name for record in running if record.wish in WISHES_TO_LEAVE}
        found = displaced(demands, capacity, quotas, ages, leaving)
        if found is not None:
            self._store.displace(found.name, heads[found.name].attempt, found.urgent, found.reason, found.numbers)
            LOGGER.info("%s %s", found.name, found.reason)

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

    def _demands(self, records: Sequence[SweepRecord], nodes: Sequence[Mapping[str, float]]) -> list[Demand]:
        """What they want, oldest first; one may be of a newer Sieve."""
        demands: list[Demand] = []
        for record in sorted(records, key=lambda record: record.created):
            self._each(record, lambda record: demands.append(demand(record, nodes)))
        return demands


def _may_run(allotments: Mapping[str, Allotment], record: SweepRecord) -> bool:
    return record.name in allotments and allotments[record.name].runs


def _told(allotments: Mapping[str, Allotment], queued: Sequence[SweepRecord]) -> dict[str, tuple[int | None, str]]:
    """What the store is told: slots, and what a sweep waits for; one that made room also why it did."""
    made_room = {record.name: f"{record.why}; " for record in queued if record.made_room_for is not None}
    return {
        name: (given.slots, given.reason) if given.runs else (None, made_room.get(name, "") + given.reason)
        for name, given in allotments.items()
    }
