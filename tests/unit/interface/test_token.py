"""``sieve token``: made once, listed without the secret, revoked."""

from __future__ import annotations

import json
from pathlib import Path

from service.ledger import open_store
from tests.unit.interface.conftest import Terminal


def test_a_token_is_printed_once_listed_and_revoked(sieve: Terminal, home: Path) -> None:
    made = sieve("token", "create", "ann", "--role", "viewer")
    secret = made.stdout.strip()
    found = open_store(home).tokens.of(secret)
    assert found is not None
    assert (found.user, found.role) == ("ann", "viewer")
    listed = sieve("token", "ls", "-o", "json").stdout
    assert [(row["user"], row["role"], row["revoked"]) for row in json.loads(listed)] == [("ann", "viewer", None)]
    assert secret not in listed
    assert "token 1 of ann is revoked" in sieve("token", "revoke", "1").stdout
    assert open_store(home).tokens.of(secret) is None
    assert "there is no token 2" in sieve("token", "revoke", "2", code=2).stderr
