"""How much of a probe's time is left."""

from __future__ import annotations

import time


class Clock:
    """Runs from its making; over after ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, below 0 once it is over."""
        return self._end - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.left <= 0
