"""Seconds from the start of the process to the first report, and what they cost, side by side in one run.

    .venv/bin/python scripts/bench_start.py --before 1668962 [--repetitions 3] [--output FILE]

Four sides take turns: ``before``, an older revision of Sieve; ``cold`` and ``warm``, a first and a second `sieve run`
of this one; ``stock``, Ray Tune with a function trainable, HyperOpt and ASHA. All train the same network on the same
data, in 4 trials. A report counts when it is recorded: in the ledger, or with a callback of Tune. CPU seconds are those
of all processes of a side until then, of a warm one what was spent before aside. Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
SIDES = ("before", "cold", "warm", "stock")
SIEVE = [sys.executable, "-c", "from service.interface.cli import main; main()", "run", "sweep.json", "--quiet"]
POLL = 0.05
PATIENCE = 600.0
LOOK = 2.0
"""Seconds in which a worker that waits uses no CPU, once it has loaded everything."""

SPEC = {
    "name": "rings",
    "task": "rings:Rings",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": {"lr": {"loguniform": [1e-3, 1e-1]}, "hidden": {"choice": [8, 32, 128]}, "optimizer": "adam"},
    "stages": [{"data": 0.25, "epochs": 1}, {"data": 1.0, "epochs": 4}],
    "search": {"trials": 4, "algorithm": "hyperopt"},
}


def family(folder: Path, started: int) -> dict[int, float]:
    """CPU seconds of each process that belongs to a run from ``folder``: the started one, keepers, and all below."""
    roots = [process for process in psutil.process_iter() if _is_keeper(process, folder)]
    with suppress(psutil.NoSuchProcess):
        roots.append(psutil.Process(started))
    used = {}
    for root in roots:
        with suppress(psutil.NoSuchProcess):
            for process in (root, *root.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    used[process.pid] = times.user + times.system
    return used


def _is_keeper(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        return "cluster.keeper" in process.cmdline() and process.cwd() == str(folder)
    return False


def recorded(folder: Path) -> bool:
    """Whether a first report is on record."""
    if (folder / "first").exists():
        return True
    for file in (folder / ".sieve").glob("*.db"):
        with suppress(sqlite3.Error), sqlite3.connect(f"file:{file}?mode=ro", uri=True) as ledger:
            return bool(ledger.execute("select 1 from reports limit 1").fetchone())
    return False


def run(command: Sequence[str], folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """Seconds and CPU seconds to the first report of ``command`` in ``folder``; it is run to its end."""
    shutil.rmtree(folder / ".sieve", ignore_errors=True)
    shutil.rmtree(folder / "tune", ignore_errors=True)
    (folder / "first").unlink(missing_ok=True)
    before = family(folder, 0)
    load = os.getloadavg()[0]
    began = time.time()
    with (folder / "output.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    used = dict(before)
    next_look = 0.0
    while not recorded(folder):
        if process.poll() is not None or time.time() - began > PATIENCE:
            raise SystemExit(f"no report: {(folder / 'output.log').read_text()[-2000:]}")
        if time.time() > next_look:
            used |= family(folder, process.pid)
            next_look = time.time() + 0.5
        time.sleep(POLL)
    seconds = time.time() - began
    used |= family(folder, process.pid)
    process.wait(PATIENCE)
    return {"seconds": seconds, "cpu_seconds": sum(used.values()) - sum(before.values()), "load": load}


def await_workers(folder: Path) -> None:
    """Wait until two workers of the kept Ray have loaded what they load."""
    known: dict[int, float] = {}
    until = time.time() + PATIENCE
    while time.time() < until:
        time.sleep(LOOK)
        now: dict[int, float] = {}
        for keeper in [one for one in psutil.process_iter() if _is_keeper(one, folder)]:
            for process in keeper.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if "ray::IDLE" in process.cmdline():
                        now[process.pid] = process.cpu_times().user
        if len([pid for pid, used in now.items() if used > 1 and used - known.get(pid, 0.0) < 0.1]) >= 2:
            return
        known = now
    raise SystemExit("no workers wait for the next sweep")


def end_keepers(folder: Path) -> None:
    """End the Ray that is kept, so that the next run is cold."""
    for process in [one for one in psutil.process_iter() if _is_keeper(one, folder)]:
        gone = [process, *process.children(recursive=True)]
        process.terminate()
        psutil.wait_procs(gone, timeout=60)


@contextmanager
def revision(name: str) -> Iterator[Path]:
    """The files of a revision of Sieve, in a temporary work tree that uses the same environment."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--detach", str(tree), name], cwd=ROOT, check=True)
        try:
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def measure(side: str, folder: Path, before: Path) -> dict[str, float]:
    """One run of ``side``; a warm one follows a cold one."""
    kept = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "SIEVE_HOME")}
    if side == "stock":
        return run([sys.executable, "stock.py", "first"], folder, kept)
    tree = before if side == "before" else ROOT
    environment = kept | {"PYTHONPATH": str(tree), "SIEVE_HOME": str(folder / ".sieve"), "SIEVE_KEEP_RAY": "600"}
    if side == "warm":
        await_workers(folder)
    found = run(SIEVE, folder, environment)
    if side == "warm":
        end_keepers(folder)
    return found


def main() -> None:
    """Let the sides take turns, and print their medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", default="1668962", help="the revision to compare with")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--output", type=Path, help="where to write the figures, too")
    arguments = parser.parse_args()
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    with revision(arguments.before) as tree, tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for file in ("rings.py", "stock.py"):
            shutil.copy(ROOT / "scripts" / "bench" / "start" / file, folder)
        (folder / "sweep.json").write_text(json.dumps(SPEC))
        try:
            for _ in range(arguments.repetitions):
                for side in SIDES:
                    runs[side].append(measure(side, folder, tree))
                    print(side, runs[side][-1], flush=True)
        finally:
            end_keepers(folder)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, no GPU used"
    figures: dict[str, Any] = {"machine": machine, "before": arguments.before, "runs": runs}
    for what in ("seconds", "cpu_seconds"):
        figures[what] = {side: statistics.median(one[what] for one in runs[side]) for side in SIDES}
        figures[f"{what}_against_before"] = {s: figures[what][s] / figures[what]["before"] for s in SIDES}
    text = json.dumps(figures, indent=1)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
