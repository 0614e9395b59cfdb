"""A cluster of several nodes on this machine, a sweep on it that one node breaks, and what its metrics tell."""

from __future__ import annotations

import itertools
import json
import re
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cluster.grafana import DASHBOARD, NAME
from cluster.local import LocalCluster
from service.ledger.home import open_store
from service.spec.states import FAILURE_DECISIONS
from tests.e2e.conftest import Project
from tests.stack import PATIENCE


class OnCluster(Project):
    """A project whose sweeps run on the cluster of its home, whose metrics are told each second."""

    @property
    def environment(self) -> dict[str, str]:
        told = {"RAY_metrics_report_interval_ms": "1000"}
        file = self.folder / ".sieve" / "cluster" / "cluster.json"
        if file.exists():
            told["RAY_ADDRESS"] = json.loads(file.read_text())["address"]
        return super().environment | told

    @property
    def cluster(self) -> LocalCluster:
        return LocalCluster.of(self.folder / ".sieve" / "cluster")

    def info(self) -> list[dict[str, Any]]:
        return self.rows("cluster", "info", "--ray", self.cluster.dashboard or "")


def named(dashboard: Path) -> set[str]:
    """The metrics that a Grafana dashboard asks for."""
    targets = [target for panel in json.loads(dashboard.read_text())["panels"] for target in panel["targets"]]
    return {name for target in targets for name in re.findall(r"\bray_\w+", target["expr"])}


def scraped(cluster: LocalCluster) -> set[str]:
    """The metrics of the sweep that the nodes' endpoints hand out now, found as Prometheus finds them."""
    known = json.loads((Path(cluster.nodes[0].temp) / "prom_metrics_service_discovery.json").read_text())
    found: set[str] = set()
    for target in [target for group in known for target in group["targets"]]:
        with suppress(OSError), urllib.request.urlopen(f"http://{target}/metrics", timeout=5) as answer:
            found.update(re.findall(r'^(\w+){[^}]*sweep="toy"', answer.read().decode(), re.MULTILINE))
    return found


def until(what: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not (true := what()) and time.monotonic() < end:
        time.sleep(0.5)
    return true


def test_a_cluster_avoids_a_node_that_breaks_trials_and_tells_metrics(
    project: Project, toy: Callable[..., dict[str, Any]]
) -> None:
    here = OnCluster(project.folder, project.started)
    shown = here.start("cluster", "local", "--nodes", "2", "--cpus", "1", "--gpus", "4")
    assert shown.stdout is not None
    said = "".join(itertools.takewhile(lambda line: line != "Ctrl-C stops it\n", shown.stdout))
    cluster = here.cluster
    try:
        assert f"export RAY_ADDRESS={cluster.address}" in said
        assert [(row["state"], row["GPUs"]) for row in here.info()] == [("alive", 4.0)] * 2
        refused = here.sieve("cluster", "info", "--fits", "gpu=8", "--ray", cluster.dashboard or "", code=1)
        assert "gpu=8 can never be placed: asks 8 GPUs on one node; largest node has 4 GPUs" in refused
        assert (Path(cluster.nodes[0].temp) / "session_latest/metrics/grafana/dashboards" / NAME).exists()

        spec = toy(
            task="toy:bad_place",
            parameters={"x": {"uniform": [0, 1]}, "bad": str(here.folder / "bad"), "sleep": 0.5},
            search={"algorithm": "random", "trials": 8},
            schedule={"algorithm": "fifo"},
            stages=[{"data": 1.0, "epochs": 2}],
            retries=1,
        )
        running = here.start("run", str(here.write("toy.json", spec)), "--no-check", "--quiet")
        asked = named(DASHBOARD)
        assert until(lambda: scraped(cluster) >= asked or running.poll() is not None)
        assert scraped(cluster) >= asked, asked - scraped(cluster)
        out, err = running.communicate(timeout=PATIENCE)
        assert running.returncode == 0, out + err

        decisions = open_store(here.folder / ".sieve").decisions("toy")
        [avoid] = [decision for decision in decisions if decision.verdict in FAILURE_DECISIONS]
        assert "the last of 3 different trials in a row there" in avoid.reason
        assert "no CUDA device" in avoid.reason
        assert avoid.numbers["node"] == (here.folder / "bad").read_text()
        assert {row["state"] for row in here.rows("trials", "toy")} == {"FINISHED"}

        here.sieve("cluster", "kill", "1")
        assert until(lambda: [row["state"] for row in here.info()].count("dead") == 1)
        assert [node.alive for node in cluster.nodes] == [True, False]
    finally:
        here.sieve("cluster", "stop")
    assert "the cluster has ended" in shown.communicate(timeout=PATIENCE)[0]
    assert "start one with: sieve cluster local" in here.sieve("cluster", "stop", code=2)
    assert not any(node.alive for node in cluster.nodes)
    assert not Path(cluster.nodes[0].temp).exists()
