"""Base of schedulers without pausing: asha and fifo."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from service.policy.verdict import Ruling, Verdict


class StopOnlyScheduler:
    """The methods of `RungScheduler` that do nothing in a scheduler that continues or stops a trial at once."""

    def begin(self, trial: int) -> None:
        """Do nothing."""

    def watch(self, trial: int, stage: int, done: int, value: float) -> Verdict | None:
        """No verdict inside a stage."""
        return None

    def promotion(self, draining: bool) -> Ruling | None:
        """None: no trial waits."""
        return None

    def best_waiting(self, stages: Collection[int], share: float) -> Ruling | None:
        """None: no trial waits."""
        return None

    def paused(self, trial: int, stage: int) -> None:
        """Do nothing: no trial waits."""

    def promoted(self, trial: int, stage: int) -> None:
        """Do nothing: no trial waits."""

    def dismissals(self, over: bool) -> Sequence[Ruling]:
        """None: no trial waits."""
        return ()

    def skipped(self) -> tuple[int, ...]:
        """No stage is skipped."""
        return ()

    def drop(self, trial: int) -> None:
        """Do nothing: no rung waits for a trial."""
