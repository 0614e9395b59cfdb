"""What is counted of the service, in a registry of its own."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from service.ledger.store.store import Store
from service.spec.states import SWEEP_NEXT

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


class Sweeps(Collector):
    """Asks the store when somebody looks, so that several services of one store say the same."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> list[Metric]:
        """Nothing: whoever registers must not open the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Sweeps by state; those that are QUEUED are the queue."""
        census = self._store.events.census()
        states = GaugeMetricFamily("sieve_sweeps", "Sweeps in each state.", labels=["state"])
        for state in SWEEP_NEXT:
            states.add_metric([state], census.get(state, 0))
        yield states
        yield GaugeMetricFamily("sieve_queue_length", "Sweeps that wait for a head.", value=census.get("QUEUED", 0))


class Counters:
    """Requests by route, method and status; sweeps by state. Labels come from fixed sets, so that they stay few."""

    def __init__(self, store: Store) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Sweeps(store))
        labels = ["method", "route"]
        self._requests = Counter("sieve_requests", "Requests answered.", [*labels, "status"], registry=self.registry)
        self._seconds = Histogram("sieve_request_seconds", "Time to answer.", labels, registry=self.registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; ``route`` is the path as it is declared."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return generate_latest(self.registry)
