"""The service: priorities, shares and code packages of sweeps, launched heads, tokens, quotas, leases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for column in (
        sa.Column("priority", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("weight", sa.Float, nullable=False, server_default=sa.text("1")),
        sa.Column("slots", sa.Integer),
        sa.Column("running", sa.Integer),
        sa.Column("wanted", sa.Integer),
        sa.Column("asks", sa.JSON(none_as_null=True)),
        sa.Column("waits", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("package", sa.String(64)),
        sa.Column("diff", sa.Text),
        sa.Column("key", sa.Text),
    ):
        op.add_column("sweeps", column)
    op.create_index("uq_sweeps_key", "sweeps", ["owner", "key"], unique=True)
    op.create_index("ix_sweeps_state", "sweeps", ["state"])
    op.create_index("ix_trials_state", "trials", ["sweep", "state"])
    op.create_table(
        "heads",
        sa.Column("sweep", sa.Integer, sa.ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("launch", sa.Text),
        sa.Column("ticket", sa.String(64)),
        sa.Column("token", sa.String(64)),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("revoked", sa.Float),
    )
    op.create_table(
        "quotas",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("running", sa.Integer),
        sa.Column("gpu_hours", sa.Float),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
    )
