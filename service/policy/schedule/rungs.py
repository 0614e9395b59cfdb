"""The seam of schedulers: a rule for rungs, free of Tune, time and workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from service.policy.verdict import Ruling, Verdict
from service.policy.worth.stage_worths import StageWorths
from service.spec import Spec


class Rungs(Protocol):
    """A rule for rungs. It remembers what it was shown, in order, and nothing else: shown the same, it rules the same.

    Values are finite; larger is better or worse as ``spec.metric.goal`` says.
    """

    def __init__(self, spec: Spec, worths: StageWorths) -> None:
        """``worths`` is kept up to date by whoever shows values."""

    def begin(self, trial: int) -> None:
        """A new trial starts to climb; trials begin in the order of their numbers."""

    def judge(self, trial: int, stage: int, value: float, seconds: float) -> Verdict:
        """The verdict (continue, pause or stop) on a trial whose metric at the end of ``stage`` is ``value``.

        ``seconds`` is what training the stage took. At the last stage the value is only remembered.
        """

    def watch(self, trial: int, stage: int, done: int, value: float) -> Verdict | None:
        """A verdict (stop) in the middle of a stage, after ``done`` of its epochs; None to train on."""

    def promotion(self, draining: bool) -> Ruling | None:
        """A slot is free: the waiting trial that should have it, or None if a new trial should.

        ``draining``: no new trial may begin and none is training, so whoever waits now can only go on or end.
        """

    def promoted(self, trial: int, stage: int) -> None:
        """Show a promotion that is on record, when rungs are rebuilt."""

    def dismissals(self, over: bool) -> Sequence[Ruling]:
        """Waiting trials that go no further; with ``over`` all that wait, as the sweep has ended."""

    def skipped(self) -> tuple[int, ...]:
        """Stages that a trial which begins or goes on now need not train."""

    def drop(self, trial: int) -> None:
        """The trial failed or was cancelled: it neither waits nor is waited for."""
