"""A disk that fills up while a sweep is recorded: a real one, of sixteen megabytes, nearly all of them taken."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.ledger.home import open_store
from tests.e2e.conftest import Project

LEFT = 347_000
"""Bytes: the database begins, and does not come far."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a small disk can only be mounted by root: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_the_sweep_pauses_says_so_and_loses_nothing(
    project: Project, toy: Callable[..., dict[str, Any]], small_disk: Path
) -> None:
    home = small_disk / "home"
    project.write(
        "sweep.yaml",
        toy(
            parameters={"x": {"uniform": [0, 1]}, "sleep": 0.15},
            search={"algorithm": "random", "trials": 12},
            schedule={"algorithm": "fifo"},
            retries=0,
        ),
    )
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(16 * 2**20 - LEFT))
    out = project.sieve("run", "sweep.yaml", "--home", str(home), code=1)
    assert "free some space" in out
    assert "Traceback" not in out
    before = open_store(home).reports("toy")
    ballast.unlink()
    project.sieve("run", "sweep.yaml", "--home", str(home))
    store = open_store(home)
    assert store.sweep("toy").state == "SUCCEEDED"
    assert {t.state for t in store.trials("toy")} == {"FINISHED"}
    assert store.reports("toy")[: len(before)] == before
    for trial in range(1, 13):
        assert [r.epoch for r in store.reports("toy") if r.trial == trial] == [1, 2, 3]
