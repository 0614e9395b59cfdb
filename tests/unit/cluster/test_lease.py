"""When a Ray is kept, which one suits a process, and to whom its keeper lends it. No Ray runs here."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import fingerprint as fingerprints
from cluster import keeper, lease
from cluster.errors import ClusterError
from cluster.fingerprint import fingerprint
from cluster.keeper import Keeper


@pytest.mark.parametrize(("given", "seconds"), [("", 300.0), ("0", 0.0), ("1.5", 1.5)])
def test_how_long_a_ray_is_kept(monkeypatch: pytest.MonkeyPatch, given: str, seconds: float) -> None:
    monkeypatch.setenv(lease.KEEP, given)
    assert lease.kept_seconds() == seconds


@pytest.mark.parametrize("given", ["-1", "soon", "inf", "nan"])
def test_anything_else_is_refused_with_the_cure(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(lease.KEEP, given)
    with pytest.raises(ClusterError, match=rf"SIEVE_KEEP_RAY is '{given}'; write seconds"):
        lease.kept_seconds()


@pytest.mark.parametrize(("name", "value"), [(lease.KEEP, "0"), ("RAY_ADDRESS", "10.0.0.1:6379")])
def test_nothing_is_started_where_none_is_kept_or_another_is_joined(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(lease.KEEP, "60")
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(lease, "_start", lambda place: pytest.fail("a keeper was started"))
    with lease.lease() as address:
        assert address is None
        assert not lease.is_warm()


def test_what_workers_inherit_tells_one_ray_from_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "packages").mkdir()
    monkeypatch.setattr("site.getsitepackages", lambda: [str(tmp_path / "packages")])
    first = fingerprint()
    for name in fingerprints.PASSING:
        monkeypatch.setenv(name, "something else")
    assert fingerprint() == first
    seen = {first}

    def differs() -> None:
        now = fingerprint()
        assert now not in seen
        seen.add(now)

    monkeypatch.setenv("ANYTHING", "else")
    differs()
    os.utime(tmp_path / "packages", (1, 1))  # as installing a package does
    differs()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    differs()
    monkeypatch.setattr(fingerprints, "_own_files", lambda: (1, 2))
    differs()
    monkeypatch.setattr("sys.executable", "/usr/bin/other")
    differs()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """The socket of a keeper that lends ``a-ray``, has no workers, and is to end at the end of the test."""
    path = tmp_path / "k.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        keeper = Keeper(listener, "a-ray", 0, 3600.0)
        running = threading.Thread(target=keeper.run)
        running.start()
        yield path
        keeper.idle = 0.0
        running.join(60)
        assert not running.is_alive(), "the keeper never ends"


def ask(path: Path) -> tuple[socket.socket, dict[str, object]]:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    connection.settimeout(60)
    with connection.makefile("r") as lines:
        return connection, json.loads(lines.readline())


def test_a_keeper_lends_to_one_at_a_time_and_ends_when_nobody_comes(place: Path) -> None:
    first, told = ask(place)
    assert told == {"address": "a-ray", "warm": False}
    second, told = ask(place)
    assert told == {"taken": True}
    second.close()
    first.close()  # as it does when its process is killed
    third, told = ask(place)
    assert told["address"] == "a-ray"
    third.close()


def test_workers_are_warm_when_they_have_had_time_to_load(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LOADING", 0.0)
    first, told = ask(place)
    assert told["warm"] is True
    monkeypatch.setattr(keeper, "LOADING", 3600.0)
    first.close()  # and what it ran is gone
    second, told = ask(place)
    second.close()
    assert told["warm"] is False


LOADS = """
import importlib, torch
asked = []
for name in ("is_available", "device_count", "_lazy_init", "current_device"):
    setattr(torch.cuda, name, lambda *_, name=name: asked.append(name))
from cluster.keeper import MODULES
for module in MODULES:
    importlib.import_module(module)
print(asked)
"""


def test_what_waiting_workers_load_asks_nothing_of_gpus() -> None:
    """CUDA heeds CUDA_VISIBLE_DEVICES as it was when first asked, and a waiting worker has none of its trial's yet."""
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
