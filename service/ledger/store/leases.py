"""Leases: what only one process does at a time, for as long as it renews."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import func, literal, or_

from service.ledger.database import tables
from service.ledger.database.database import Database
from service.ledger.store.access import upsert

_leases = tables.leases.c


def take(database: Database, name: str, holder: str, seconds: float) -> bool:
    """Take or renew the lease ``name`` for ``seconds`` from now; False while another holds it.

    One statement, by the database's clock where it has one: those who ask may be on machines of different time.
    """
    now: Any = func.extract("epoch", func.clock_timestamp()) if database.is_postgres else literal(time.time())
    with database.write() as connection:
        put = upsert(connection, tables.leases).values(name=name, holder=holder, expires=now + seconds)
        renew = put.on_conflict_do_update(
            index_elements=["name"],
            set_={"holder": put.excluded.holder, "expires": put.excluded.expires},
            where=or_(_leases.holder == holder, _leases.expires <= now),
        )
        return connection.execute(renew.returning(_leases.holder)).scalar() == holder
