"""Tokens: who may use a service, and as what. The secrets themselves are kept nowhere."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

from sqlalchemy import insert, select, update

from service.ledger.database.database import Database
from service.ledger.database.tables import tokens
from service.ledger.records import TokenRecord
from service.spec.errors import UserError, nearest

ROLES = ("viewer", "submitter", "admin")
"""Each may do what those before it may: read everything; submit and manage what is one's own; manage everything."""

PREFIX = "sieve_"
_BYTES = 32
_LONGEST = 64


class UnknownToken(UserError):
    """No token has that number."""


def digest(secret: str) -> str:
    """The SHA-256 of a secret, in hex. The secret has 256 random bits, which need neither salt nor a slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class Tokens:
    """The tokens in a database; whatever changes holds from the next question on, in every process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, user: str, role: str) -> tuple[TokenRecord, str]:
        """A new token and its secret, which can not be had again.

        Raises:
            UserError: there is no such role, or the user's name is empty, too long or not to be printed.
        """
        if role not in ROLES:
            raise UserError(f"there is no role {role!r}{nearest(role, ROLES)}", f"roles are {', '.join(ROLES)}")
        if not user.strip() or len(user) > _LONGEST or not user.isprintable():
            raise UserError(f"the user's name is {user!r}", f"give 1 to {_LONGEST} characters that can be printed")
        secret = PREFIX + secrets.token_urlsafe(_BYTES)
        created = time.time()
        values = {"hash": digest(secret), "user": user, "role": role, "created": created}
        with self._database.write() as connection:
            made = connection.execute(insert(tokens).values(**values)).inserted_primary_key
        assert made is not None
        return TokenRecord(made[0], user, role, created), secret

    def of(self, secret: str) -> TokenRecord | None:
        """The token with that secret; None if there is none, or it is revoked."""
        wanted = digest(secret)
        with self._database.read() as connection:
            row = connection.execute(select(tokens).where(tokens.c.hash == wanted)).one_or_none()
        if row is None or not hmac.compare_digest(row.hash, wanted) or row.revoked is not None:
            return None
        return TokenRecord(row.id, row.user, row.role, row.created)

    def ls(self) -> list[TokenRecord]:
        """All tokens, revoked ones too, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(tokens).order_by(tokens.c.id))
            return [TokenRecord(row.id, row.user, row.role, row.created, row.revoked) for row in rows]

    def revoke(self, number: int) -> TokenRecord:
        """End a token for ever; one that is revoked already stays as it is. Raises UnknownToken."""
        with self._database.write() as connection:
            connection.execute(
                update(tokens).where(tokens.c.id == number, tokens.c.revoked.is_(None)).values(revoked=time.time())
            )
            row = connection.execute(select(tokens).where(tokens.c.id == number)).one_or_none()
        if row is None:
            raise UnknownToken(f"there is no token {number}", "see: sieve token ls")
        return TokenRecord(row.id, row.user, row.role, row.created, row.revoked)
