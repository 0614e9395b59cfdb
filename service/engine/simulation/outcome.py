"""The result of a simulated sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.ledger.records import DecisionRecord, ReportRecord, SpaceRecord, TrialRecord, WorthRecord
from service.policy.limits import Ending
from service.spec import Spec


@dataclass(frozen=True)
class Simulation:
    """A whole sweep as the ledger would hold it; every time in it is in virtual seconds since the start.

    ``spec`` is the one that ran, with what the options and the number of curves changed in it; ``seconds`` the virtual
    time at the end; ``latencies`` the real seconds of every call of the policy, by kind (next, judge); ``exhausted``
    how many trials ended where their recorded curve did; ``notes`` what a person should know of the curves.
    """

    spec: Spec
    ending: Ending
    seconds: float
    trials: Sequence[TrialRecord]
    reports: Sequence[ReportRecord]
    decisions: Sequence[DecisionRecord]
    spaces: Sequence[SpaceRecord]
    worth: Sequence[WorthRecord]
    latencies: Mapping[str, Sequence[float]]
    exhausted: int
    notes: Sequence[str]
