"""Tickets and tokens of heads: long random words, of which only a digest is kept."""

from __future__ import annotations

import hashlib
import secrets


def fresh() -> str:
    """A new secret of 256 random bits, fit for a URL."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """The SHA-256 of a secret, which is stored in its place; enough for one that cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()
