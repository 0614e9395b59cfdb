"""What Ray does not promise and Sieve uses, on a cluster of its own with a dashboard and a token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cluster import inventory
from cluster.local import LocalCluster
from cluster.ray_internals.nodes import is_up
from cluster.token import MODE, headers

ROOT = Path(__file__).parents[3]
CPUS = 4
SOON = 3.0
"""Seconds within which Ray would have started a worker for each CPU that the machine really has."""

JOINED = """
import json, os, sys, time
import ray
from cluster.connect import connect

@ray.remote(num_cpus=1, num_gpus=0)
def seen():
    return os.environ.get("CUDA_VISIBLE_DEVICES")

@ray.remote(num_cpus=3, num_gpus=0.5)
class Holder:
    def ready(self):
        return True

with connect(sys.argv[1]):
    print(flush=True)
    sys.stdin.readline()
    holder = Holder.remote()
    ray.get(holder.ready.remote())
    print(json.dumps({"seen": ray.get(seen.remote())}), flush=True)
    sys.stdin.read()
"""
"""A driver that joins, waits for a line, holds three CPUs and half a GPU until its input ends, and prints what a task
without a GPU sees."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    cluster = LocalCluster.start(1, CPUS, 1, tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def driver(cluster: LocalCluster) -> Iterator[dict[str, Any]]:
    """What a driver says that knows the cluster's address and has a token, but is not told to show it.

    It is the first of its cluster; ``idle`` is how many workers it found soon after it had joined.
    """
    command = [sys.executable, "-c", JOINED, cluster.address]
    environment = {name: value for name, value in os.environ.items() if name != MODE}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        time.sleep(SOON)
        idle = _idle(cluster)
        process.stdin.write("\n")
        process.stdin.flush()
        yield json.loads(process.stdout.readline()) | {"idle": idle}
        process.communicate()
    assert process.returncode == 0


def _idle(cluster: LocalCluster) -> int:
    [node] = cluster.nodes
    family = psutil.Process(node.pid).children(recursive=True)
    return sum(" ".join(process.cmdline()).startswith("ray::IDLE") for process in family)


def until(ready: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_node_that_has_come_up_is_seen_by_its_file(cluster: LocalCluster, tmp_path: Path) -> None:
    assert [is_up(Path(node.temp)) for node in cluster.nodes] == [True]
    assert not is_up(tmp_path)


def test_a_driver_that_is_told_an_address_alone_shows_the_token(driver: dict[str, Any]) -> None:
    assert headers(), "the cluster wants a token"
    assert driver


def test_who_asks_for_no_gpu_sees_none(driver: dict[str, Any]) -> None:
    assert driver["seen"] == ""


def test_the_dashboard_tells_what_is_used_of_each_node(cluster: LocalCluster, driver: dict[str, Any]) -> None:
    def used() -> Any:
        [node] = inventory.nodes(str(cluster.dashboard))
        return {name: (node.used or {}).get(name) for name in ("CPU", "GPU")}

    until(lambda: used() == {"CPU": 3.0, "GPU": 0.5})
    [told] = inventory.nodes(str(cluster.dashboard))
    [joined] = inventory.nodes(cluster.address)
    assert told.resources["CPU"] == joined.resources["CPU"] == CPUS
    assert (told.id, told.name, told.alive, told.labels) == (joined.id, joined.name, joined.alive, joined.labels)
    assert {name: (joined.used or {}).get(name) for name in ("CPU", "GPU")} == {"CPU": 3.0, "GPU": 0.5}


def test_workers_are_started_as_they_are_needed(driver: dict[str, Any]) -> None:
    assert driver["idle"] == 0
