"""Probe of reproducibility: two runs with one seed must agree, and a resumed run with an uninterrupted one."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import torch

from trainables.probe.clock import Clock
from trainables.probe.evidence import RunsEvidence
from trainables.worker import checkpoint
from trainables.worker.staged import EpochRunner

Make = Callable[[], EpochRunner]
"""Makes a new run, from the first epoch, of the same config and seed."""

BESIDE = ("train_loss",)
"""Metrics that are compared besides the sweep's own; others may be times and the like."""


def compare(make: Make, other: Make, metric: str, epochs: int, clock: Clock) -> RunsEvidence:
    """Run one epoch, then, if there is time, the same again (by ``other``), and a resumed second epoch.

    ``epochs`` is the number of all epochs of the plan. Exceptions of the first run are raised.
    """
    with ExitStack() as open_runs, tempfile.TemporaryDirectory(prefix="sieve-check-") as folder:
        run = open_runs.enter_context(closing(make()))
        began = time.perf_counter()
        metrics = run.run_epoch()
        seconds = time.perf_counter() - began
        found = RunsEvidence(dict(metrics), seconds)
        if clock.left < seconds:
            return found
        again = open_runs.enter_context(closing(other()))
        began = time.perf_counter()
        apart, where = _difference(metrics, again.run_epoch(), metric)
        # The first run may have imported modules that a trial's worker has already.
        seconds = min(seconds, time.perf_counter() - began)
        found = RunsEvidence(dict(metrics), seconds, apart, where)
        if clock.left < 2 * seconds:
            return found
        checkpoint.write(Path(folder), run.state())
        resumed = open_runs.enter_context(closing(make()))
        resumed.load(checkpoint.read(Path(folder)) or {})
        changed = difference(run.state(), resumed.state())
        further = _difference(run.run_epoch(), resumed.run_epoch(), metric)[0] if epochs > 1 else 0.0
        return RunsEvidence(dict(metrics), seconds, apart, where, changed or "", further)


def difference(one: Any, other: Any, path: str = "") -> str | None:
    """The path at which two states differ; None if they are the same bit for bit (NaN equals itself)."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        same = one.shape == other.shape and torch.equal(one.cpu().nan_to_num(), other.cpu().nan_to_num())
        return None if same else path
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            return path or "the keys"
        pairs = [(key, one[key], other[key]) for key in one]
    elif isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        if len(one) != len(other):
            return path
        pairs = [(index, a, b) for index, (a, b) in enumerate(zip(one, other, strict=True))]
    else:
        return None if _same(one, other) else path
    places = (difference(a, b, f"{path}/{key}".lstrip("/")) for key, a, b in pairs)
    return next((place for place in places if place is not None), None)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return (
        bool(one == other) if isinstance(one, (str, bytes, int, float, bool, type(None))) else type(one) is type(other)
    )


def _difference(one: Mapping[str, float], other: Mapping[str, float], metric: str) -> tuple[float, str]:
    """The largest relative difference of metrics that both report, and the metric's name."""
    names = [name for name in (metric, *BESIDE) if name in one and name in other]
    return max(((_apart(float(one[name]), float(other[name])), name) for name in names), default=(0.0, ""))


def _apart(one: float, other: float) -> float:
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    largest = max(abs(one), abs(other))
    return abs(one - other) / largest if math.isfinite(largest) else math.inf
