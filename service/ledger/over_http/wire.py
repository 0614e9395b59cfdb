"""The wire format of records between a head and its service: JSON with NaN and Infinity as Python writes them.

``NaN`` and ``Infinity`` are not strict JSON, but both ends are Sieve, and every other float keeps each of its bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar

from service.ledger.ledger import Needs, Orders
from service.ledger.records import (
    DecisionRecord,
    PastRecord,
    PastTrial,
    ReportRecord,
    SpaceRecord,
    SweepRecord,
    TrialRecord,
    WorthRecord,
)

Plain = TypeVar(
    "Plain", SweepRecord, TrialRecord, ReportRecord, DecisionRecord, SpaceRecord, WorthRecord, Needs, Orders
)

LISTS: Mapping[str, Any] = {
    "trials": TrialRecord,
    "reports": ReportRecord,
    "decisions": DecisionRecord,
    "spaces": SpaceRecord,
    "worth": WorthRecord,
}
"""The lists of a ledger by their names, both in a batch and when they are asked for."""


def dumps(value: Any) -> bytes:
    """A record, a batch, or a list or dict of them, as bytes."""
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()


def loads(body: bytes) -> Any:
    """What `dumps` made, as plain data."""
    return json.loads(body)


def record(kind: type[Plain], raw: Mapping[str, Any]) -> Plain:
    """A record from plain data; what a newer Sieve knows beyond it is left aside."""
    return kind(**{field.name: raw[field.name] for field in fields(kind) if field.name in raw})


def past(raw: Mapping[str, Any]) -> PastRecord:
    """A past sweep from plain data, whose keys are all text."""
    trials = [
        PastTrial(**{**trial, "values": {int(stage): value for stage, value in trial["values"].items()}})
        for trial in raw["trials"]
    ]
    return PastRecord(raw["name"], raw["plan"], trials)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"a ledger holds no {type(value).__name__}")
