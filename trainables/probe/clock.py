"""`Clock`: the time limit of a probe."""

from __future__ import annotations

import time


class Clock:
    """A time limit of ``seconds`` from its construction on."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, negative once the time is up."""
        return self._end - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.left <= 0
