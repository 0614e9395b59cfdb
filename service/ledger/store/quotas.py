"""The quotas of owners on a shared cluster, and what they have used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import delete, func, select

from service.ledger.database import tables
from service.ledger.database.database import Database, patient
from service.ledger.records import QuotaRecord, Rows
from service.ledger.store.access import record, upsert
from service.spec.errors import UserError

ANYONE = "*"

_quotas, _sweeps, _trials = tables.quotas.c, tables.sweeps.c, tables.trials.c


class Quotas:
    """The quotas in a database. That of the owner ``*`` is the default."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @patient
    def get(self, owner: str) -> QuotaRecord:
        """The quota that holds for ``owner``, under their name; without limits where none was set."""
        with self.database.read() as connection:
            for known in (owner, ANYONE):
                row = connection.execute(select(tables.quotas).where(_quotas.owner == known)).one_or_none()
                if row is not None:
                    return QuotaRecord(owner, row.running, row.gpu_hours)
        return QuotaRecord(owner)

    @patient
    def set(self, owner: str, running: int | None = None, gpu_hours: float | None = None) -> QuotaRecord:
        """Set the whole quota of ``owner``, or of ``*``. Raises UserError for a limit below 0."""
        if running is not None and not 0 <= running < 2**31:
            raise UserError(f"{owner} cannot run {running} sweeps at once", "give 0 or more, or none for no limit")
        if gpu_hours is not None and not (math.isfinite(gpu_hours) and gpu_hours >= 0):
            raise UserError(f"{owner} cannot have {gpu_hours} GPU hours", "give 0 or more, or none for no limit")
        quota = QuotaRecord(owner, running, gpu_hours)
        with self.database.write() as connection:
            put = upsert(connection, tables.quotas).values(**asdict(quota))
            limits = {"running": running, "gpu_hours": gpu_hours}
            connection.execute(put.on_conflict_do_update(index_elements=["owner"], set_=limits))
        return quota

    @patient
    def remove(self, owner: str) -> None:
        """Forget the quota of ``owner``, for whom that of ``*`` holds again; nothing if there is none."""
        with self.database.write() as connection:
            connection.execute(delete(tables.quotas).where(_quotas.owner == owner))

    @patient
    def ls(self) -> list[QuotaRecord]:
        """All quotas that were set, by owner."""
        with self.database.read() as connection:
            rows = connection.execute(select(tables.quotas).order_by(_quotas.owner))
            return [record(QuotaRecord, row) for row in rows]

    def rows(self) -> Rows:
        """A row per quota that was set, by owner, with the GPU hours that the owner has used; None for ``*``."""
        used = self.usage()
        hours = {owner: seconds / 3600 for owner, seconds in used.items()} | {ANYONE: None}
        return [asdict(quota) | {"gpu_hours_used": hours.get(quota.owner, 0.0)} for quota in self.ls()]

    @patient
    def usage(self) -> Mapping[str, float]:
        """GPU seconds by owner of all that is in the ledger; simulated sweeps use none, removed ones count no more."""
        spent = select(_trials.sweep, func.sum(_trials.gpu_seconds).label("seconds")).group_by(_trials.sweep).subquery()
        query = (
            select(_sweeps.owner, func.coalesce(func.sum(spent.c.seconds), 0.0))
            .join_from(tables.sweeps, spent, spent.c.sweep == _sweeps.id, isouter=True)
            .where(~_sweeps.simulated)
            .group_by(_sweeps.owner)
        )
        with self.database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}
