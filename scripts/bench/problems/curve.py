"""What training one config gives and costs."""

from __future__ import annotations

from typing import NamedTuple


class Curve(NamedTuple):
    """What training one config would give: the loss and the seconds at each level.

    The seconds are cumulative where training resumes, and those of the level alone where it restarts.
    """

    losses: tuple[float, ...]
    seconds: tuple[float, ...]
