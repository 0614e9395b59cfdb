"""Metrics of a sweep (``ray.util.metrics``), which each node's endpoint exports to Prometheus as ``ray_sieve_…``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ray.util.metrics import Counter, Gauge

MOST_STAGES = 20
"""Most stages with series of their own; later ones are added to the last of these."""


@dataclass(frozen=True)
class Reading:
    """The values of a sweep's metrics at one moment.

    ``trials`` counts trials by (stage, state); ``best`` is the best value of the metric by stage; ``used`` and ``full``
    are budgets in full-data epoch equivalents: that used, and that of training in full all trials that began;
    ``gpu_seconds`` is the training time of all trials; ``granted`` is how many trials may train at once, ``training``
    how many do; ``reports`` and ``failures`` are counts so far.
    """

    trials: Mapping[tuple[int, str], int] = field(default_factory=dict)
    best: Mapping[int, float] = field(default_factory=dict)
    used: float = 0.0
    full: float = 0.0
    gpu_seconds: float = 0.0
    granted: int = 0
    training: int = 0
    reports: int = 0
    failures: int = 0


class Metrics:
    """The metrics of the sweep of one head, which must be a driver that has joined Ray.

    The number of series is bounded: a sweep has at most 7 states of trials for each of `MOST_STAGES` stages, a best
    value for each, and 8 more. Ray forgets a gauge some 20 s after the head that set it has ended, so that only
    running sweeps have any.
    """

    def __init__(self, sweep: str) -> None:
        self._sweep = {"sweep": sweep}
        self._trials = Gauge("sieve_trials", "trials by stage and state", ("sweep", "stage", "state"))
        self._best = Gauge("sieve_best", "best value of the sweep's metric at a stage", ("sweep", "stage"))
        self._amounts = {
            "used": self._gauge("sieve_budget_used", "work done, in full-data epoch equivalents"),
            "saved": self._gauge("sieve_budget_saved", "what full training of the trials begun would cost more"),
            "gpu_seconds": self._gauge("sieve_gpu_seconds", "GPU seconds of training of all trials"),
            "granted": self._gauge("sieve_slots_granted", "trials that may train at once"),
            "training": self._gauge("sieve_slots_used", "trials that train"),
        }
        self._counters = {
            "reports": Counter("sieve_reports", "reports that trials handed in", ("sweep",)),
            "failures": Counter("sieve_failures", "trials that broke, retried ones included", ("sweep",)),
        }
        self._last = Reading()

    def feed(self, reading: Reading) -> None:
        """Set the metrics to ``reading``."""
        reading = _bounded(reading)
        for stage, state in self._last.trials.keys() | reading.trials.keys():
            place = {"stage": str(stage), "state": state}
            self._trials.set(reading.trials.get((stage, state), 0), self._sweep | place)
        for stage, value in reading.best.items():
            self._best.set(value, self._sweep | {"stage": str(stage)})
        saved = max(0.0, reading.full - reading.used)
        for name, gauge in self._amounts.items():
            gauge.set(saved if name == "saved" else getattr(reading, name), self._sweep)
        for name, counter in self._counters.items():
            more = getattr(reading, name) - getattr(self._last, name)
            if more > 0:
                counter.inc(more, self._sweep)
        self._last = reading

    def close(self) -> None:
        """Set the trials that train to 0 at the end of the head; other values stay until Ray drops them."""
        for stage, state in self._last.trials:
            self._trials.set(0, self._sweep | {"stage": str(stage), "state": state})
        for name in ("granted", "training"):
            self._amounts[name].set(0, self._sweep)

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(name, what, ("sweep",))


def _bounded(reading: Reading) -> Reading:
    """The reading with stages beyond `MOST_STAGES` added to the last one that has a series."""
    last = MOST_STAGES - 1
    if all(stage <= last for stage, _ in reading.trials) and all(stage <= last for stage in reading.best):
        return reading
    trials: dict[tuple[int, str], int] = {}
    for (stage, state), count in reading.trials.items():
        place = (min(stage, last), state)
        trials[place] = trials.get(place, 0) + count
    best = {min(stage, last): value for stage, value in sorted(reading.best.items())}
    return Reading(**{**vars(reading), "trials": trials, "best": best})
