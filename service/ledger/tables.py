"""The tables of the ledger, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = "0001"
"""The newest migration in ``migrations/versions``."""

metadata = MetaData()


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
    Column("node", Text),
    Column("seconds", Float, nullable=False),
    Column("gpu_seconds", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
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
    Column("metrics", JSON, nullable=False),
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
    Column("numbers", JSON, nullable=False),
    Column("time", Float, nullable=False),
    UniqueConstraint("sweep", "trial", "stage"),
)
