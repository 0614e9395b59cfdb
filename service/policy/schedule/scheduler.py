"""`RungScheduler`: the interface of schedulers (Ray Tune: ``TrialScheduler``), without Tune, time and workers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from service.policy.verdict import Ruling, Verdict
from service.policy.worth.worth_tracker import WorthTracker
from service.spec import Spec


class RungScheduler(Protocol):
    """A scheduler over the rungs of a plan. Its state is a function of the calls so far, so that it can be replayed.

    Values are finite; larger is better or worse as ``spec.metric.goal`` says.
    """

    def __init__(self, spec: Spec, worths: WorthTracker) -> None:
        """``worths`` is updated by the caller, before `judge`."""

    def begin(self, trial: int) -> None:
        """Record that a trial begins; trials begin in the order of their numbers (Tune: ``on_trial_add``)."""

    def judge(self, trial: int, stage: int, value: float, seconds: float) -> Verdict:
        """The verdict (continue, pause, stop) at the end of ``stage`` with metric ``value`` (``on_trial_result``).

        ``seconds`` is the time that training the stage took. At the last stage the value is only recorded.
        """

    def watch(self, trial: int, stage: int, done: int, value: float) -> Verdict | None:
        """The verdict (stop) inside a stage, after ``done`` of its epochs; None to train on."""

    def promotion(self, draining: bool) -> Ruling | None:
        """The waiting trial to run in a free slot (``choose_trial_to_run``); None for a new trial.

        ``draining``: no new trial may begin and none is training, so that waiting trials are promoted or end.
        """

    def best_waiting(self, stages: Collection[int], share: float) -> Ruling | None:
        """The best waiting trial among the best ``share`` of a rung, the very best at least, to go on.

        The highest of ``stages`` that has one counts.
        """

    def paused(self, trial: int, stage: int) -> None:
        """Replay: the trial was left to wait at the end of ``stage``."""

    def promoted(self, trial: int, stage: int) -> None:
        """Record a promotion, as read from the ledger when a head starts."""

    def dismissals(self, over: bool) -> Sequence[Ruling]:
        """Stop verdicts on waiting trials; with ``over`` on all that wait, as the sweep has ended."""

    def skipped(self) -> tuple[int, ...]:
        """Stages that a trial which begins or is promoted now does not train."""

    def drop(self, trial: int) -> None:
        """Record that a trial failed or was cancelled, so that its rung does not wait for it (``on_trial_error``)."""
