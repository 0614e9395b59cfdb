"""The tables of the ledger, as the newest migration leaves them."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

VERSION = "0002"
"""The newest migration in ``migrations/versions``."""

metadata = MetaData()

_NOT_FINITE = frozenset({"nan", "inf", "-inf"})


class Numbers(TypeDecorator[dict[str, Any]]):
    """Numbers by name as strict JSON: what is not finite is stored as ``"nan"``, ``"inf"`` or ``"-inf"``.

    JSON knows no NaN, and one bad row would make SQL's own JSON functions refuse a whole query.
    """

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> dict[str, Any]:
        return {key: str(number) if _is_unwritable(number) else number for key, number in (value or {}).items()}

    def process_result_value(self, value: dict[str, Any] | None, dialect: Dialect) -> dict[str, Any]:
        return {key: float(number) if _is_word(number) else number for key, number in (value or {}).items()}


def _is_unwritable(number: Any) -> bool:
    return isinstance(number, float) and not math.isfinite(number)


def _is_word(number: Any) -> bool:
    return isinstance(number, str) and number in _NOT_FINITE


def _owner() -> Column[int]:
    return Column("sweep", Integer, ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False)


sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("spec", JSON, nullable=False),
    Column("project", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("wish", String(16)),
    Column("why", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("head", Text),
    Column("claimed", Float),
    Column("heartbeat", Float),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    Column("commit", Text),
    Column("seconds", Float, nullable=False),
    Column("simulated", Boolean, nullable=False, server_default=false()),
)

trials = Table(
    "trials",
    metadata,
    _owner(),
    Column("number", Integer, nullable=False),
    Column("config", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("origin", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("checkpoint", Text),
    Column("why", Text, nullable=False),
    Column("error", Text),
    Column("diagnosis", Text),
    Column("node", Text),
    Column("seconds", Float, nullable=False),
    Column("gpu_seconds", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    Column("skipped", JSON, nullable=False, server_default=text("'[]'")),
    UniqueConstraint("sweep", "number"),
)

reports = Table(
    "reports",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner(),
    Column("trial", Integer, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("data", Float, nullable=False),
    Column("budget", Float, nullable=False),
    Column("metrics", Numbers, nullable=False),
    Column("time", Float, nullable=False),
    Column("stage_end", Boolean, nullable=False),
    Column("seconds", Float, nullable=False),
    UniqueConstraint("sweep", "trial", "stage", "epoch"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner(),
    Column("trial", Integer, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("numbers", Numbers, nullable=False),
    Column("time", Float, nullable=False),
    UniqueConstraint("sweep", "trial", "stage", "verdict", name="uq_decisions"),
)

spaces = Table(
    "spaces",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner(),
    Column("round", Integer, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("undone", Boolean, nullable=False),
    Column("time", Float, nullable=False),
    UniqueConstraint("sweep", "round", "time"),
)

pasts = Table(
    "pasts",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner(),
    Column("name", String(63), nullable=False),
    Column("plan", Integer, nullable=False),
    Column("trials", JSON, nullable=False),
    UniqueConstraint("sweep", "name", "plan"),
)

worth = Table(
    "worth",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner(),
    Column("stage", Integer, nullable=False),
    Column("correlation", Float),
    Column("low", Float),
    Column("high", Float),
    Column("pairs", Integer, nullable=False),
    Column("seconds", Float),
    Column("advice", Text, nullable=False),
    Column("time", Float, nullable=False),
)
