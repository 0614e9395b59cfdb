"""Records of what stages turn out to be worth."""

from __future__ import annotations

from service.ledger.records import WorthRecord
from service.policy.policy import Policy


def appraisals(policy: Policy, time: float) -> list[WorthRecord]:
    """The estimates that are new since the last time, made at ``time`` (the sweep's running seconds)."""
    return [
        WorthRecord(stage, worth.correlation, worth.low, worth.high, worth.pairs, worth.seconds, worth.words, time)
        for stage, worth in policy.worths.news()
    ]
