"""The first schema: sweeps, trials, reports, decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(63), nullable=False, unique=True),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("wish", sa.String(16)),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("head", sa.Text),
        sa.Column("claimed", sa.Float),
        sa.Column("heartbeat", sa.Float),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("started", sa.Float),
        sa.Column("finished", sa.Float),
        sa.Column("commit", sa.Text),
        sa.Column("seconds", sa.Float, nullable=False),
    )
    op.create_table(
        "trials",
        _owner(),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("checkpoint", sa.Text),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("diagnosis", sa.Text),
        sa.Column("node", sa.Text),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("gpu_seconds", sa.Float, nullable=False),
        sa.Column("started", sa.Float),
        sa.Column("finished", sa.Float),
        sa.UniqueConstraint("sweep", "number"),
    )
    op.create_table(
        "reports",
        sa.Column("id", BIG, primary_key=True),
        _owner(),
        sa.Column("trial", sa.Integer, nullable=False),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("data", sa.Float, nullable=False),
        sa.Column("budget", sa.Float, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("stage_end", sa.Boolean, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.UniqueConstraint("sweep", "trial", "stage", "epoch"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        _owner(),
        sa.Column("trial", sa.Integer, nullable=False),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("numbers", sa.JSON, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.UniqueConstraint("sweep", "trial", "stage"),
    )


def _owner() -> sa.Column[int]:
    return sa.Column("sweep", sa.Integer, sa.ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False)
