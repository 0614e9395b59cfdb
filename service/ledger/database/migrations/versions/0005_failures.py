"""How often heads of a sweep came to nothing, which a daemon that starts anew must know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("sweeps", sa.Column("barren", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("sweeps", sa.Column("delays", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("sweeps", sa.Column("due", sa.Float))
