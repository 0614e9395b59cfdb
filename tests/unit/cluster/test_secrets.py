"""What a cluster must not know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cluster import local
from cluster.errors import ClusterError
from cluster.secrets import environment


def test_nodes_inherit_neither_database_nor_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIEVE_DATABASE_URL", "SIEVE_TOKEN", "PGPASSWORD"):
        monkeypatch.setenv(name, "postgresql://ann:hush@db/sieve")
    monkeypatch.setenv("SIEVE_DATA", "/data")
    seen: dict[str, str] = {}

    def spawn(number: int, command: Any, temp: Path, output: Path, environment: Mapping[str, str]) -> None:
        seen.update(environment)
        raise ClusterError("seen")

    monkeypatch.setattr(local.LocalNode, "spawn", spawn)
    monkeypatch.setattr(local, "make_token", lambda: None)
    with pytest.raises(ClusterError, match="seen"):
        local.LocalCluster.start(1, 1, 0, tmp_path / "cluster")
    assert seen["SIEVE_DATA"] == "/data"
    assert not any("hush" in value for value in (*seen.values(), *environment().values()))
