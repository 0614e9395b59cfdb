"""Verdicts of the scheduler on a trial (Ray Tune: CONTINUE, PAUSE, STOP), each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.spec.states import VerdictKind


@dataclass(frozen=True)
class Verdict:
    """A verdict on a trial, its reason in words, and the numbers behind it.

    ``continue``: it trains on at once; ``pause``: it waits at its rung and gives its slot up; ``promote``: it waited
    and trains on; ``stop``: it ends early (Optuna: pruned); ``finish``: it has ended the last stage.
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
