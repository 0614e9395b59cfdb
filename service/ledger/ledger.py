"""What a head asks of its ledger, wherever that is: the store itself, or a service that has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from service.ledger.records import (
    Batch,
    DecisionRecord,
    PastRecord,
    ReportRecord,
    SpaceRecord,
    SweepRecord,
    TrialRecord,
    WorthRecord,
)
from service.spec.states import SweepState, Wish


@dataclass(frozen=True)
class Needs:
    """What a head could use: the trials it trains, those it could train at once, what each occupies by resource."""

    running: int
    wanted: int
    asks: Mapping[str, float]


@dataclass(frozen=True)
class Orders:
    """What a head hears at each beat: the wish of a person, and how many trials it may train at once.

    ``slots`` is None where nobody shares the cluster out.
    """

    wish: Wish | None = None
    slots: int | None = None


class Ledger(Protocol):
    """The ledger of a sweep as its head sees it. What every one promises is in the contract suite of ledgers."""

    def sweep(self, name: str) -> SweepRecord:
        """The sweep. Raises UnknownSweep."""

    def trials(self, name: str) -> list[TrialRecord]:
        """Its trials by number."""

    def reports(self, name: str) -> list[ReportRecord]:
        """Its reports in the order they came in."""

    def decisions(self, name: str) -> list[DecisionRecord]:
        """Its decisions in the order they fell."""

    def spaces(self, name: str) -> list[SpaceRecord]:
        """The spaces of its rounds from 1 on, in the order they were made."""

    def pasts(self, name: str) -> list[PastRecord]:
        """What it learns from, in the order of its spec."""

    def worth(self, name: str) -> list[WorthRecord]:
        """The estimates of what its stages are worth, oldest first."""

    def beat(self, name: str, attempt: int, state: SweepState | None = None, needs: Needs | None = None) -> Orders:
        """Renew the claim, with a new state and what the head needs, if given. Raises LostClaim."""

    def append(self, name: str, attempt: int, batch: Batch) -> None:
        """Write a batch in one transaction; what is there already stays. Raises LostClaim, DiskFull."""

    def end(self, name: str, attempt: int, state: SweepState, why: str) -> None:
        """The head is done: the sweep gets its state and the reason. Raises LostClaim, IllegalTransition."""
