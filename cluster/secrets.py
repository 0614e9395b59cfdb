"""What the processes of a cluster must not inherit: there everybody's code runs."""

from __future__ import annotations

import os

SECRETS = ("SIEVE_DATABASE_URL", "SIEVE_TOKEN", "PGPASSWORD")
"""Environment variables that open the database or the service."""


def environment() -> dict[str, str]:
    """The environment of this process without `SECRETS`."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}
