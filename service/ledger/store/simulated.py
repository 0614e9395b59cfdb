"""Simulated sweeps in the store: written whole, as they are over before they are written."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from service.ledger.database import tables
from service.ledger.records import Batch, SweepRecord
from service.ledger.store.store import NameInUse, Store


def write(store: Store, sweep: SweepRecord, batch: Batch) -> None:
    """Write ``sweep`` with all that happened in it in one transaction, in place of a simulated one of its name.

    Raises:
        NameInUse: a real sweep has the name.
        DiskFull: there is no room; nothing is written.
    """
    known = tables.sweeps.c
    with store.database.write() as connection:
        query = select(known.id, known.simulated).where(known.name == sweep.name).with_for_update()
        before = connection.execute(query).one_or_none()
        if before is not None and not before.simulated:
            raise NameInUse(f"there is a real sweep {sweep.name!r}", "choose another name with --name")
        if before is not None:
            connection.execute(delete(tables.sweeps).where(known.id == before.id))
        [owner] = connection.execute(insert(tables.sweeps).values(**vars(sweep))).inserted_primary_key or [None]
        for table in (tables.trials, tables.reports, tables.decisions, tables.spaces, tables.worth):
            if rows := [{"sweep": owner, **vars(record)} for record in getattr(batch, table.name)]:
                connection.execute(insert(table), rows)
