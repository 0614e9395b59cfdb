"""Verdicts: what happens to a trial at a rung, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.spec.states import VerdictKind


@dataclass(frozen=True)
class Verdict:
    """What happens to a trial, why in words, and the numbers behind it.

    ``continue``: it trains on at once; ``pause``: it waits at its rung and gives its slot up; ``promote``: it waited
    and goes on; ``stop``: it goes no further; ``finish``: it has ended the last stage.
    """

    kind: VerdictKind
    reason: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ruling:
    """A verdict (promote or stop) on ``trial``, which waits at the rung that ends ``stage``."""

    trial: int
    stage: int
    verdict: Verdict
