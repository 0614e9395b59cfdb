"""The policy, with the real seconds of each call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from service.ledger.records import ReportRecord
from service.policy.limits import Left
from service.policy.observation import Observation
from service.policy.policy import Job, Policy
from service.policy.verdict import Verdict

Answer = TypeVar("Answer")


class TimedPolicy:
    """Asks ``policy`` and notes the real seconds of each call, by kind, in ``latencies``.

    Each answer comes with the virtual seconds that a worker waits for it: the real ones if they are charged, else 0.
    """

    def __init__(self, policy: Policy, metric: str, latencies: dict[str, list[float]], charge: bool) -> None:
        self._policy = policy
        self._metric = metric
        self._latencies = latencies
        self._charge = charge

    def next(self, table: Sequence[Observation], left: Left) -> tuple[Job | None, float]:
        """The next job for a free worker, with so much of the budget left."""
        return self._timed("next", lambda: self._policy.next(table, left))

    def judge(self, report: ReportRecord, done: int, seconds: float) -> tuple[Verdict | None, float]:
        """The verdict on a report after ``done`` epochs of its stage, which has taken ``seconds`` so far."""
        trial, stage, value = report.trial, report.stage, report.metrics.get(self._metric)
        if report.stage_end:
            return self._timed("judge", lambda: self._policy.judge(trial, stage, value, seconds))
        return self._timed("judge", lambda: self._policy.watch(trial, stage, done, value))

    def _timed(self, kind: str, call: Callable[[], Answer]) -> tuple[Answer, float]:
        began = time.perf_counter()
        answer = call()
        taken = time.perf_counter() - began
        self._latencies[kind].append(taken)
        return answer, taken if self._charge else 0.0
