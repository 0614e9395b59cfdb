"""The reports of a sweep in the order they came in, without sorting."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("ix_reports_order", "reports", ["sweep", "id"])
