"""How long a trial may be silent before it is taken for one that hangs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from service.spec.models import AUTO
from service.states import SILENT

MULTIPLE = 20.0
"""So many times the longest epoch that was seen a trial may be silent."""

FLOOR = 1800.0
"""Seconds that it may always be."""

UNKNOWN = 86400.0
"""Seconds that it may be where no epoch was seen yet."""

CURE = "see what it waits for in the logs of its node, or raise hang_timeout, or write null for none"
"""The cure in the message of a trial that hung."""


@dataclass(frozen=True)
class Patience:
    """How many ``seconds`` a trial may be silent, and why in words."""

    seconds: float
    reason: str

    @property
    def hung(self) -> str:
        """The failure of a trial that was silent for longer."""
        return f"it reported nothing for {words(self.seconds)}, {self.reason}: it hangs"

    @property
    def silent(self) -> str:
        """What is said of a trial that was silent for half of it."""
        return f"{SILENT} {words(self.seconds / 2)}; after {words(self.seconds)} it is ended and tried again"


def patience(
    hang_timeout: float | Literal["auto"] | None, data: float, longest: Mapping[float, float]
) -> Patience | None:
    """The patience with a trial that trains on the fraction ``data``; None: no end of it.

    ``longest`` has the seconds of the longest epoch seen by fraction of the data. An epoch on more data than was seen
    may take longer in proportion.

    >>> patience("auto", 1.0, {0.1: 30.0}).seconds, patience("auto", 0.1, {0.1: 30.0}).seconds
    (6000.0, 1800.0)
    """
    if hang_timeout is None:
        return None
    if hang_timeout != AUTO:
        return Patience(hang_timeout, "longer than hang_timeout")
    if not longest:
        return Patience(UNKNOWN, "and no trial has reported an epoch")
    epoch = max(seconds * max(1.0, data / known) for known, seconds in longest.items())
    if epoch * MULTIPLE <= FLOOR:
        return Patience(FLOOR, f"and no epoch was seen to take more than {words(FLOOR / MULTIPLE)}")
    return Patience(epoch * MULTIPLE, f"{MULTIPLE:.0f} times as long as an epoch takes")


def words(seconds: float) -> str:
    """Seconds in words, in the largest unit of which there are two."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
