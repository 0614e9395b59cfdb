"""Quotas: what each owner may have."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import delete, insert, select

from service.ledger.database import Database
from service.ledger.tables import quotas

ANYONE = "*"


@dataclass(frozen=True)
class Quota:
    """At most so many sweeps that run at once, and so many GPU hours in all; None: no limit."""

    owner: str
    running: int | None = None
    gpu_hours: float | None = None


class Quotas:
    """The quotas in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, owner: str) -> Quota:
        """The quota of ``owner``, else that of anyone."""
        known = {quota.owner: quota for quota in self.ls()}
        found = known.get(owner) or known.get(ANYONE) or Quota(owner)
        return Quota(owner, found.running, found.gpu_hours)

    def set(self, owner: str, running: int | None, gpu_hours: float | None) -> None:
        """Another quota for ``owner``."""
        with self._database.write() as connection:
            connection.execute(delete(quotas).where(quotas.c.owner == owner))
            connection.execute(insert(quotas).values(**asdict(Quota(owner, running, gpu_hours))))

    def ls(self) -> list[Quota]:
        """All quotas by owner."""
        with self._database.read() as connection:
            return [Quota(**row._mapping) for row in connection.execute(select(quotas).order_by(quotas.c.owner))]
