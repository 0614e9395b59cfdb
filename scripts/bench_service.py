"""The service under load: many sweeps of several owners at once, shares by weight, and an urgent sweep among them.

    .venv/bin/python scripts/bench_service.py [--sweeps 20] [--trials 3] [--nodes 3] [--gpus 2] [--postgres URL]
        [--window 60] [--output scripts/results/service.json]

Starts a local cluster of NODES nodes with GPUS each that only Ray believes in, and `sieve serve` beside it, on SQLite
or on the empty PostgreSQL database at URL. Three owners submit SWEEPS sweeps of TRIALS trials in turn; all must
finish, with every trial and report there once. Then three owners keep the cluster busy with sweeps of weights 1, 2
and 3: their shares of the training seconds are taken from the ledger over WINDOW seconds. Into that full cluster
comes a sweep of one trial with a higher priority. Prints one JSON object last; exits with 1 if anything is lost or
doubled.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import service
from cluster.local import LocalCluster

SIEVE = Path(sys.executable).parent / "sieve"
OWNERS = ("ada", "bob", "cyd")
INTERVAL = 0.5
"""Seconds between two reports of a trial."""

TASK = f"""
import time

def curve(config, stage):
    for epoch in stage:
        time.sleep({INTERVAL})
        stage.report({{"score": config["x"]}}, checkpoint={{}})
"""


def spec(name: str, trials: int, epochs: int, **more: Any) -> dict[str, Any]:
    """A sweep whose trials are all trained in full, one fake GPU each: one epoch, and then ``epochs``."""
    return {
        "name": name,
        "task": "slow:curve",
        "metric": {"name": "score", "goal": "maximize"},
        "parameters": {"x": {"uniform": [0, 1]}},
        "stages": [{"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": epochs}],
        "search": {"algorithm": "random", "trials": trials},
        "schedule": {"algorithm": "fifo"},
        "resources": {"cpu": 0.1, "gpu": 1},
    } | more


def until(holds: Callable[[], Any], what: str, seconds: float = 900.0, poll: float = 0.1) -> float:
    """Seconds until ``holds``; ends the script where it takes longer than allowed."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            sys.exit(f"not within {seconds:g} s: {what}")
        time.sleep(poll)
    return time.monotonic() - began


@contextmanager
def served(folder: Path, nodes: int, gpus: int, postgres: str | None) -> Iterator[dict[str, service.Client]]:
    """The clients of the owners, at a service beside a cluster, both of which end with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"SIEVE_HOME": str(folder / "home")} | ({"SIEVE_DATABASE_URL": postgres} if postgres else {})
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SIEVE_", "RAY_"))} | variables
    cluster = LocalCluster.start(nodes=nodes, cpus=4, gpus=gpus, folder=folder / "cluster")
    try:
        command = [str(SIEVE), "serve", "--port", str(port), "--ray", str(cluster.dashboard), "--sweeps", "32"]
        with (folder / "serve.log").open("wb") as log, subprocess.Popen(command, env=environment, stderr=log) as server:
            try:
                until(lambda: _listens(port), "the service answers")
                yield {
                    owner: service.Client(f"http://127.0.0.1:{port}", _token(owner, environment)) for owner in OWNERS
                }
            finally:
                server.terminate()
    finally:
        cluster.stop()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _token(owner: str, environment: dict[str, str]) -> str:
    command = [str(SIEVE), "token", "create", owner, "--role", "submitter"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def faults(sweep: Any, trials: int, reports: int) -> list[str]:
    """What is lost or doubled in a sweep that has ended."""
    table, history = sweep.trials(), sweep.history()
    numbers = list(table["trial"])
    found = [] if numbers == list(range(1, trials + 1)) else [f"{sweep.name} has trials {numbers}"]
    found += [] if len(history) == reports else [f"{sweep.name} has {len(history)} reports of {reports}"]
    twice = history.duplicated(["trial", "stage", "epoch"]).sum()
    found += [f"{sweep.name} has {twice} reports twice"] if twice else []
    return found if sweep.state == "SUCCEEDED" else [*found, f"{sweep.name} is {sweep.state}"]


def many(
    clients: dict[str, service.Client], project: Path, sweeps: int, trials: int
) -> tuple[dict[str, Any], list[str]]:
    """Figures and faults of ``sweeps`` sweeps that are submitted at once, by the owners in turn."""
    began, epochs = time.time(), 4
    made = [
        clients[OWNERS[number % len(OWNERS)]].submit(spec(f"many-{number}", trials, epochs), project)
        for number in range(sweeps)
    ]
    submitted = time.time() - began
    for sweep in made:
        sweep.wait(1800)
    finished = time.time() - began
    found = [fault for sweep in made for fault in faults(sweep, trials, trials * (1 + epochs))]
    first = [sweep.trials()["started"].min().timestamp() - began for sweep in made]
    figures = {
        "submitted_s": submitted,
        "finished_s": finished,
        "first_trial_s": [min(first), statistics.median(first), max(first)],
    }
    return figures, found


def shares(clients: dict[str, service.Client], project: Path, window: float) -> tuple[dict[str, Any], list[str]]:
    """Figures of three owners with weights 1, 2 and 3, and of the urgent sweep; faults of that."""
    weights = dict(enumerate(OWNERS, start=1))
    busy = {
        weight: clients[owner].submit(spec(f"weight-{weight}", 99, 1000, weight=weight), project)
        for weight, owner in weights.items()
    }
    until(lambda: all(len(sweep.history()) > 8 * weight for weight, sweep in busy.items()), "all are at work", poll=1.0)
    before = {weight: sweep.history()["seconds"].sum() for weight, sweep in busy.items()}
    time.sleep(window)
    spent = {weight: float(sweep.history()["seconds"].sum() - before[weight]) for weight, sweep in busy.items()}
    urgent = clients[OWNERS[1]].submit(spec("urgent", 1, 4, priority=10), project)
    head = until(lambda: urgent.state != "QUEUED", "the urgent sweep has a place")
    trial = head + until(lambda: len(urgent.trials()), "it has a trial")
    report = trial + until(lambda: len(urgent.history()), "it has a report")
    for sweep in busy.values():
        sweep.cancel()
    urgent.wait(600)
    shared = {str(weight): seconds / sum(spent.values()) for weight, seconds in spent.items()}
    figures = {"shares": shared, "urgent_s": {"launched": head, "trial": trial, "report": report}}
    return figures, faults(urgent, 1, 5)


def main() -> int:
    """The script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("sweeps", 20), ("trials", 3), ("nodes", 3), ("gpus", 2)):
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--window", type=float, default=60.0)
    parser.add_argument("--postgres")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sieve-bench-") as name:
        folder, project = Path(name), Path(name) / "project"
        project.mkdir()
        (project / "slow.py").write_text(TASK)
        with served(folder, given.nodes, given.gpus, given.postgres) as clients:
            crowd, lost = many(clients, project, given.sweeps, given.trials)
            print(json.dumps(crowd), flush=True)
            fair, more = shares(clients, project, given.window)
    setting = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "store": "PostgreSQL" if given.postgres else "SQLite",
    }
    asked = {name: getattr(given, name) for name in ("sweeps", "trials", "nodes", "gpus", "window")}
    text = json.dumps(setting | asked | {"interval_s": INTERVAL} | crowd | fair | {"faults": lost + more}, indent=1)
    print(text)
    if given.output:
        given.output.write_text(text + "\n")
    return int(bool(lost + more))


if __name__ == "__main__":
    sys.exit(main())
