"""What each owner may have."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert as upsert

from service.ledger import tables
from service.ledger.database import Database


@dataclass(frozen=True)
class QuotaRecord:
    """The quota of ``owner``, ``*`` for whoever is not named; None: any number."""

    owner: str
    running: int | None = None
    gpu_hours: float | None = None


class Quotas:
    """The quotas by owner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, owner: str, running: int | None = None, gpu_hours: float | None = None) -> None:
        """Give ``owner`` this quota instead of the one before."""
        values = {"owner": owner, "running": running, "gpu_hours": gpu_hours}
        with self._database.write() as connection:
            statement = upsert(tables.quotas).values(**values)
            connection.execute(statement.on_conflict_do_update(index_elements=["owner"], set_=values))

    def get(self, owner: str) -> QuotaRecord | None:
        """The quota of ``owner``, else that of ``*``, else None."""
        known = {quota.owner: quota for quota in self.ls()}
        return known.get(owner) or known.get("*")

    def ls(self) -> list[QuotaRecord]:
        """All quotas."""
        with self._database.read() as connection:
            return [QuotaRecord(**row._mapping) for row in connection.execute(select(tables.quotas))]
