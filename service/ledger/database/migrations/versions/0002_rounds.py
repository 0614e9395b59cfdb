"""Rounds: narrowed spaces, trials that wait at a rung or leave stages out, simulated sweeps, warm starts, worth."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Added in place: SQLite would drop a table to rebuild it, and with the sweeps go, by cascade, all that is theirs.
    op.add_column("sweeps", sa.Column("simulated", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("trials", sa.Column("skipped", sa.JSON, nullable=False, server_default=sa.text("'[]'")))
    # The first schema left the constraint without a name: PostgreSQL gave one, for SQLite the convention does.
    names = {"uq": "uq_%(table_name)s_%(column_0_name)s"}
    given = "uq_decisions_sweep" if op.get_bind().dialect.name == "sqlite" else "decisions_sweep_trial_stage_key"
    with op.batch_alter_table("decisions", naming_convention=names) as batch:
        batch.drop_constraint(given, type_="unique")
        batch.create_unique_constraint("uq_decisions", ["sweep", "trial", "stage", "verdict"])
    op.create_table(
        "spaces",
        sa.Column("id", sa.Integer, primary_key=True),
        _owner(),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("reasons", sa.JSON, nullable=False),
        sa.Column("undone", sa.Boolean, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.UniqueConstraint("sweep", "round", "time"),
    )
    op.create_table(
        "pasts",
        sa.Column("id", sa.Integer, primary_key=True),
        _owner(),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("plan", sa.Integer, nullable=False),
        sa.Column("trials", sa.JSON, nullable=False),
        sa.UniqueConstraint("sweep", "name", "plan"),
    )
    op.create_table(
        "worth",
        sa.Column("id", sa.Integer, primary_key=True),
        _owner(),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("correlation", sa.Float),
        sa.Column("low", sa.Float),
        sa.Column("high", sa.Float),
        sa.Column("pairs", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float),
        sa.Column("advice", sa.Text, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
    )


def _owner() -> sa.Column[int]:
    return sa.Column("sweep", sa.Integer, sa.ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False)
