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
    Index,
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

VERSION = "0003"
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
    Column("priority", Integer, nullable=False, server_default=text("0")),
    Column("weight", Float, nullable=False, server_default=text("1")),
    Column("slots", Integer),
    Column("running", Integer),
    Column("wanted", Integer),
    Column("asks", JSON(none_as_null=True)),
    Column("waits", Text, nullable=False, server_default=text("''")),
    Column("package", String(64)),
    Column("diff", Text),
    Column("key", Text),
    Index("uq_sweeps_key", "owner", "key", unique=True),
    Index("ix_sweeps_state", "state"),
)

heads = Table(
    "heads",
    metadata,
    Column("sweep", Integer, ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("launch", Text),
    Column("ticket", String(64)),
    Column("token", String(64)),
)
"""The heads that a daemon has launched, one for a sweep at most: ``launch`` is how the launcher knows it, ``ticket``
what it may ask for its ``token`` by, once; of both only the SHA-256."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("user", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("revoked", Float),
)

quotas = Table(
    "quotas",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("running", Integer),
    Column("gpu_hours", Float),
)
"""What each owner may have: sweeps that run at once, and GPU hours in all; ``*`` is whoever is not named."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires", Float, nullable=False),
)
"""What only one process does at a time, such as sharing the cluster out."""

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
    Index("ix_trials_state", "sweep", "state"),
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
