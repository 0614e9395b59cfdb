"""The tables of the ledger, as the newest migration leaves them."""

from __future__ import annotations

from typing import get_args

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    false,
    text,
)

from service.ledger.database.column_types import BIG, Name, Numbers, OneOf, Words
from service.spec.states import DECISIONS, SWEEP_NEXT, TRIAL_NEXT, WISHES, Holder

VERSION = "0006"
"""The newest migration in ``migrations/versions``."""

metadata = MetaData()


def _owner() -> Column[int]:
    return Column("sweep", Integer, ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False)


sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Name(63), nullable=False, unique=True),
    Column("spec", JSON, nullable=False),
    Column("project", Words, nullable=False),
    Column("owner", Words, nullable=False),
    Column("state", OneOf(tuple(SWEEP_NEXT)), nullable=False),
    Column("wish", OneOf(WISHES)),
    Column("why", Words, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("head", Words),
    Column("claimed", Float),
    Column("heartbeat", Float),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    Column("commit", Words),
    Column("seconds", Float, nullable=False),
    Column("simulated", Boolean, nullable=False, server_default=false()),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    Column("weight", Float, nullable=False, server_default=text("1")),
    Column("slots", Integer),
    Column("running", Integer),
    Column("wanted", Integer),
    Column("asks", JSON(none_as_null=True)),
    Column("waits", Words, nullable=False, server_default=text("''")),
    Column("package", Name(64)),
    Column("diff", Words),
    Column("key", Words),
    Column("barren", Integer, nullable=False, server_default=text("0")),
    Column("delays", Integer, nullable=False, server_default=text("0")),
    Column("due", Float),
    Column("holder", OneOf(get_args(Holder))),
    Column("made_room_for", Name(63)),
    Index("uq_sweeps_key", "owner", "key", unique=True),
    Index("ix_sweeps_state", "state"),
)

heads = Table(
    "heads",
    metadata,
    Column("sweep", Integer, ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("launch", Words),
    Column("ticket", Name(64)),
    Column("token", Name(64)),
)
"""The heads that a daemon has launched, one for a sweep at most: ``launch`` is how the launcher knows it, ``ticket``
what it may ask for its ``token`` by, once; of both only the SHA-256."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", Name(64), nullable=False, unique=True),
    Column("user", Words, nullable=False),
    Column("role", Name(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("revoked", Float),
)

quotas = Table(
    "quotas",
    metadata,
    Column("owner", Words, primary_key=True),
    Column("running", Integer),
    Column("gpu_hours", Float),
)
"""What each owner may have: sweeps that run at once, and GPU hours in all; ``*`` is whoever is not named."""

leases = Table(
    "leases",
    metadata,
    Column("name", Name(32), primary_key=True),
    Column("holder", Words, nullable=False),
    Column("expires", Float, nullable=False),
)
"""What only one process does at a time, such as sharing the cluster out."""

trials = Table(
    "trials",
    metadata,
    _owner(),
    Column("number", Integer, nullable=False),
    Column("config", JSON, nullable=False),
    Column("state", OneOf(tuple(TRIAL_NEXT)), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("origin", Words, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("checkpoint", Words),
    Column("why", Words, nullable=False),
    Column("error", Words),
    Column("diagnosis", Words),
    Column("node", Words),
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
    Column("id", BIG, primary_key=True),
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
    Index("ix_reports_order", "sweep", "id"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner(),
    Column("trial", Integer, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("verdict", OneOf(DECISIONS), nullable=False),
    Column("reason", Words, nullable=False),
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
    Column("name", Name(63), nullable=False),
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
    Column("advice", Words, nullable=False),
    Column("time", Float, nullable=False),
)
