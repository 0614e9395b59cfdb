"""Tokens and quotas of a service, over HTTP."""

from __future__ import annotations

from dataclasses import fields

from service.interface.remote.connection import Call, Connection
from service.ledger.records import QuotaRecord, Rows, TokenRecord

QUOTA = ("owner", "running", "gpu_hours", "gpu_hours_used")
"""The columns of a row of quotas."""


class RemoteRights:
    """The `Rights` of the service that ``connection`` is to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_token(self, user: str, role: str) -> tuple[TokenRecord, str]:
        made = self._connection.json(Call("POST", ("tokens",), body={"user": user, "role": role}, once=True))
        return TokenRecord(**{field.name: made[field.name] for field in fields(TokenRecord)}), made["token"]

    def tokens(self) -> Rows:
        found: Rows = self._connection.json(Call("GET", ("tokens",)))["items"]
        return found

    def revoke_token(self, number: int) -> str:
        self._connection.json(Call("DELETE", ("tokens", str(number))))
        return next(str(row["user"]) for row in self.tokens() if row["id"] == number)

    def quotas(self) -> Rows:
        found: Rows = self._connection.json(Call("GET", ("quotas",)))["items"]
        return [{column: row[column] for column in QUOTA} for row in found]

    def set_quota(self, quota: QuotaRecord) -> None:
        bounds = {"running": quota.running, "gpu_hours": quota.gpu_hours}
        self._connection.json(Call("PUT", ("quotas", quota.owner), body=bounds))

    def remove_quota(self, owner: str) -> None:
        self._connection.json(Call("DELETE", ("quotas", owner)))
