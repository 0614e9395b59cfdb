"""Who started a head, and for which sweep one made room: told by the words of a name and of a reason until now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

DAEMON = "daemon "
MADE_ROOM = "made room for "

sweeps = sa.table(
    "sweeps",
    *(sa.column(name) for name in ("id", "state", "wish", "why", "head", "holder", "made_room_for")),
)


def upgrade() -> None:
    op.add_column("sweeps", sa.Column("holder", sa.String(16)))
    op.add_column("sweeps", sa.Column("made_room_for", sa.String(63)))
    known = sweeps.c
    kind = sa.case((known.head.startswith(DAEMON), "daemon"), else_="person")
    op.execute(sweeps.update().where(known.head.is_not(None)).values(holder=kind))
    told = sa.select(known.id, known.why).where(
        known.why.startswith(MADE_ROOM), sa.or_(known.state == "QUEUED", known.wish == "yield")
    )
    for id, why in op.get_bind().execute(told).all():
        name = why.removeprefix(MADE_ROOM).partition(":")[0]
        op.execute(sweeps.update().where(known.id == id).values(made_room_for=name))
