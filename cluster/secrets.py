"""Environment variables that processes of a cluster must not inherit, as any user's code runs there."""

from __future__ import annotations

import os

SECRETS = ("SIEVE_DATABASE_URL", "SIEVE_TOKEN", "PGPASSWORD")
"""Environment variables that give access to the database or the service."""


def environment() -> dict[str, str]:
    """The environment of this process without `SECRETS`."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}
