"""Rules that never let a trial wait."""

from __future__ import annotations

from collections.abc import Sequence

from service.policy.verdict import Ruling, Verdict


class Unpaused:
    """The part of `Rungs` that is empty where every verdict falls at once, at the end of a stage."""

    def begin(self, trial: int) -> None:
        """Nothing to prepare."""

    def watch(self, trial: int, stage: int, done: int, value: float) -> Verdict | None:
        """No verdict inside a stage."""
        return None

    def promotion(self, draining: bool) -> Ruling | None:
        """Nobody waits."""
        return None

    def promoted(self, trial: int, stage: int) -> None:
        """Nobody waits."""

    def dismissals(self, over: bool) -> Sequence[Ruling]:
        """Nobody waits."""
        return ()

    def skipped(self) -> tuple[int, ...]:
        """Every stage is trained."""
        return ()

    def drop(self, trial: int) -> None:
        """Nobody waits for it."""
