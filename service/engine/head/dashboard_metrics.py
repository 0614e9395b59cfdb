"""Ray metrics of how a sweep stands, for the dashboard."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from cluster.metrics import Metrics, Reading
from service.engine.head.trial_log import TrialLog
from service.spec import Spec

PERIOD = 2.0
"""Seconds from one reading to the next, at least."""


class DashboardMetrics:
    """Tells Ray's metrics how the sweep of ``spec`` stands. ``granted`` is how many trials may train at once.

    Where Ray takes no metrics it says so once, and the sweep goes on.
    """

    def __init__(self, spec: Spec, trial_log: TrialLog, granted: Callable[[], int]) -> None:
        self._spec = spec
        self._trial_log = trial_log
        self._granted = granted
        self._metrics: Metrics | None = Metrics(spec.name)
        self._due = 0.0
        self._before = _failures(trial_log)

    def feed(self) -> None:
        """Tell it, unless it was told a moment ago."""
        if self._metrics is None or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + PERIOD
        try:
            now = reading(self._spec, self._trial_log, self._granted())
            self._metrics.feed(replace(now, failures=now.failures - self._before))
        except Exception as error:  # Whatever is wrong with metrics must not end the heartbeat.
            self._metrics = None
            logging.getLogger(__name__).warning("no metrics of %s any more: %s", self._spec.name, error)

    def close(self) -> None:
        """The round is over: tell how it ended."""
        self._due = 0.0
        self.feed()
        if self._metrics is not None:
            self._metrics.close()


def reading(spec: Spec, trial_log: TrialLog, granted: int) -> Reading:
    """How the sweep of ``spec`` stands by its ``trial_log``, over all rounds; reports are those of this head."""
    rows, table = list(trial_log.trials.values()), trial_log.table()
    sign = -1.0 if spec.metric.goal == "maximize" else 1.0
    best: dict[int, float] = {}
    for observation in table:
        for stage, value in observation.values.items():
            if math.isfinite(value) and (stage not in best or sign * value < sign * best[stage]):
                best[stage] = value
    begun = [row for row in rows if trial_log.track(row.number).reported is not None]
    return Reading(
        trials=Counter((row.stage, row.state) for row in rows),
        best=best,
        used=trial_log.epochs(),
        full=sum(spec.plans[spec.plan_number(row.round)].total for row in begun),
        gpu_seconds=trial_log.gpu_seconds(),
        granted=granted,
        training=sum(row.state == "RUNNING" for row in rows),
        reports=trial_log.reports,
        failures=_failures(trial_log),
    )


def _failures(trial_log: TrialLog) -> int:
    return sum(row.attempt + (row.state == "FAILED") for row in list(trial_log.trials.values()))
