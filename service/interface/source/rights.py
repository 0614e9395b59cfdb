"""Tokens and quotas, of a local home or of a service."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from service.ledger.records import QuotaRecord, Rows, TokenRecord

if TYPE_CHECKING:
    from service.ledger import Store


class Rights(Protocol):
    """Tokens and quotas; only admins reach those of a service."""

    def create_token(self, user: str, role: str) -> tuple[TokenRecord, str]:
        """A new token and its secret, which can not be had again. Raises UserError for an odd name or role."""

    def tokens(self) -> Rows:
        """A row per token, revoked ones too, oldest first. Times are seconds since the epoch."""

    def revoke_token(self, number: int) -> str:
        """End a token for ever; whose it was. Raises UserError if there is none of that number."""

    def quotas(self) -> Rows:
        """A row per quota that was set, by owner, with the GPU hours that the owner has used; None for ``*``."""

    def set_quota(self, quota: QuotaRecord) -> None:
        """Set the whole quota of an owner, ``*`` for the default. Raises UserError for a limit below 0."""

    def remove_quota(self, owner: str) -> None:
        """Forget the quota of ``owner``, for whom that of ``*`` holds again; nothing if there is none."""


class LocalRights:
    """The `Rights` in the ledger of ``home``, which is made where something is to be kept."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def create_token(self, user: str, role: str) -> tuple[TokenRecord, str]:
        return self._store(create=True).tokens.create(user, role)

    def tokens(self) -> Rows:
        return [asdict(record) for record in self._store().tokens.ls()]

    def revoke_token(self, number: int) -> str:
        return self._store().tokens.revoke(number).user

    def quotas(self) -> Rows:
        return self._store().quotas.rows()

    def set_quota(self, quota: QuotaRecord) -> None:
        self._store(create=True).quotas.set(quota.owner, quota.running, quota.gpu_hours)

    def remove_quota(self, owner: str) -> None:
        self._store().quotas.remove(owner)

    def _store(self, create: bool = False) -> Store:
        from service.ledger.home import open_store

        return open_store(self._home, create=create)
