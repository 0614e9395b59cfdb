"""Records of what stages turn out to be worth."""

from __future__ import annotations

from service.ledger.records import WorthRecord
from service.policy.policy import Policy
from service.policy.worth.stage_worth import StageWorth


def appraisals(policy: Policy, time: float) -> list[WorthRecord]:
    """The estimates that are new since the last time, made at ``time`` (the sweep's running seconds)."""
    return [_record(stage, worth, time) for stage, worth in policy.worths.news()]


def _record(stage: int, worth: StageWorth, time: float) -> WorthRecord:
    fair = worth.correlation
    if fair is None:
        return WorthRecord(stage, None, None, None, 0, worth.seconds, worth.words, time)
    return WorthRecord(stage, fair.value, fair.low, fair.high, fair.pairs, worth.seconds, worth.words, time)
