"""The processes of a local cluster: only its own are ended, by whoever knows its folder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cluster import local
from cluster.errors import ClusterError
from cluster.local import LocalCluster, Size
from cluster.processes import LocalNode
from service.engine.fleet import local_clusters
from service.spec.errors import UserError

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


def spawn(folder: Path, number: int = 0) -> tuple[LocalNode, psutil.Process]:
    """A process that stands for a node, and a child of it with a session of its own."""
    output = folder / f"node-{number}.log"
    node = LocalNode.spawn(number, [sys.executable, "-c", FAMILY], folder / str(number), output, {})
    end = time.monotonic() + 30
    while not output.read_text().strip() and time.monotonic() < end:
        time.sleep(0.05)
    return node, psutil.Process(int(output.read_text()))


def known(folder: Path, *nodes: LocalNode) -> LocalCluster:
    """A cluster of these nodes as another process left it."""
    (folder / "temp").mkdir()
    made = LocalCluster(folder, local._State("10.0.0.1:6379", None, Size(1, 0), str(folder / "temp"), nodes))
    made._write()
    return LocalCluster.of(folder)


def test_a_node_is_killed_with_all_its_processes_and_no_other_is(tmp_path: Path) -> None:
    (first, child), (second, other) = spawn(tmp_path), spawn(tmp_path, 1)
    cluster = known(tmp_path, first, second)
    assert [node.alive for node in cluster.nodes] == [True, True]
    cluster.kill(1)
    assert [node.alive for node in cluster.nodes] == [True, False]
    assert (child.is_running(), other.is_running()) == (True, False)
    with pytest.raises(ClusterError, match="node 1 does not run; there are 0"):
        cluster.kill(1)
    LocalCluster.of(tmp_path).stop()
    assert (first.alive, child.is_running()) == (False, False)
    assert not (tmp_path / "temp").exists()
    with pytest.raises(ClusterError, match="start one with: sieve cluster local"):
        LocalCluster.of(tmp_path)


def test_a_process_that_got_the_pid_of_a_node_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True) as stranger:
        node = LocalNode(0, stranger.pid, psutil.Process(stranger.pid).create_time(), str(tmp_path))
        gone = replace(node, created=node.created - 5)
        assert (node.alive, gone.alive) == (True, False)
        known(tmp_path, gone).stop()
        assert stranger.poll() is None
        stranger.kill()


def test_a_folder_has_one_cluster_and_people_hear_how_to_end_it(tmp_path: Path) -> None:
    node, _ = spawn(tmp_path)
    folder = local_clusters.folder_of(tmp_path)
    folder.mkdir()
    cluster = known(folder, node)
    with pytest.raises(UserError, match="runs already; stop it first, with: sieve cluster stop"):
        local_clusters.start(local_clusters.ClusterSize(1, 1, 0), tmp_path)
    cluster.kill(0)
    with pytest.raises(UserError, match="the head of the cluster is gone"):
        local_clusters.add(tmp_path)
    cluster.stop()


def test_a_node_that_does_not_come_up_is_quoted_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def long(**_: str) -> str:
        folder = tmp_path / ("a" * 60)
        folder.mkdir()
        return str(folder)

    monkeypatch.setattr(local, "make_token", lambda: None)
    monkeypatch.setattr(tempfile, "mkdtemp", long)
    with pytest.raises(ClusterError, match=r"(?s)node 0 ended at once, and said: .* 107 bytes"):
        LocalCluster.start(1, 1, 0, tmp_path / "cluster", dashboard=False)
    assert not (tmp_path / ("a" * 60)).exists()
    assert not (tmp_path / "cluster" / local.STATE).exists()


def test_a_long_temporary_folder_is_left_for_a_short_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for usual, made in ((str(tmp_path), "/tmp"), ("/tmp", "/tmp")):
        monkeypatch.setattr(tempfile, "tempdir", usual)
        folder = Path(local._short_folder())
        assert str(folder.parent) == made
        folder.rmdir()
