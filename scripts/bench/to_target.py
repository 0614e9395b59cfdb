"""One sweep to a target by one side: seconds from the start of its process, and CPU seconds of all its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import service

ROOT = Path(__file__).parents[2]
MARK = "BENCH_TARGET_RUN"
PATIENCE = 30.0
"""Seconds after the cap, when it is interrupted, until a side that has not ended is killed."""

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Side:
    """A tuner: its command for a folder with ``spec.json`` and ``sweep.yaml``, and where it leaves its reports.

    ``points`` gives (seconds since the epoch, metric) of each report of training on all data, in any order, and
    ``told`` whatever else there is to know of the sweep.
    """

    command: Callable[[Path], list[str]]
    points: Callable[[Path, dict[str, Any]], Points]
    told: Callable[[Path, dict[str, Any]], dict[str, Any]] = lambda folder, spec: {}


def sieve_points(folder: Path, spec: dict[str, Any]) -> Points:
    """A report's time counts from when the head had its Ray; a trial's end is on the clock and comes with its last."""
    sweep, metric = service.sweep(spec["name"], folder / "home"), spec["metric"]["name"]
    history, trials = sweep.history(), sweep.trials().set_index("trial")
    ends = trials["finished"].dropna().map(lambda end: end.timestamp())
    lag = (ends - history.groupby("trial")["time"].max()).min()
    full = history[history["stage"] == len(spec["stages"]) - 1]
    return [(float(when), float(value)) for when, value in zip(full["time"] + lag, full[metric], strict=True)]


def sieve_told(folder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Where the time went: trials and training seconds of each stage, when each was first reported, how it ended."""
    sweep = service.sweep(spec["name"], folder / "home")
    history, trials = sweep.history(), sweep.trials()
    stages = history.groupby("stage").agg(
        trials=("trial", "nunique"), seconds=("seconds", "sum"), first=("time", "min"), last=("time", "max")
    )
    return {"trials": len(trials), "why": sweep.status.why, "stages": stages.round(3).reset_index().to_dict("records")}


def stock_points(folder: Path, spec: dict[str, Any]) -> Points:
    return list(map(tuple, json.loads((folder / "found.json").read_text())["points"]))


def optuna_points(folder: Path, spec: dict[str, Any]) -> Points:
    lines = [line for path in folder.glob("points-*.jsonl") for line in path.read_text().splitlines()]
    return [tuple(json.loads(line)) for line in lines]


def sides(workers: int) -> dict[str, Side]:
    """The sides by name, each with so many trials at once."""
    script = ROOT / "scripts" / "bench"
    return {
        "sieve": Side(
            lambda folder: [
                str(Path(sys.executable).parent / "sieve"),
                *("run", str(folder / "sweep.yaml"), "--quiet", "--home", str(folder / "home")),
            ],
            sieve_points,
            sieve_told,
        ),
        "ray tune": Side(lambda folder: [sys.executable, str(script / "stock.py"), str(folder)], stock_points),
        "optuna": Side(
            lambda folder: [sys.executable, str(script / "optuna_run.py"), str(folder), str(workers)], optuna_points
        ),
    }


def run(side: Side, spec: dict[str, Any], cap: float) -> dict[str, Any]:
    """Run ``spec`` by a side, for ``cap`` seconds at most.

    Returns ``target`` and ``end`` in seconds, None if later than the cap, ``cpu`` seconds, loads, what a side tells.
    """
    metric = service.load(spec).metric
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "spec.json").write_text(json.dumps(spec))
        (folder / "sweep.yaml").write_text(service.load(spec).to_yaml())
        load, meter = os.getloadavg()[0], Meter()
        environment = os.environ | {MARK: meter.mark, "PYTHONPATH": f"{ROOT}:{ROOT / 'scripts'}"}
        with (folder / "output").open("wb") as output, meter:
            began = time.time()
            process = subprocess.Popen(
                side.command(folder), cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
            )
            end: float | None = None
            try:
                process.wait(cap)
                end = time.time() - began
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE)
        words = (folder / "output").read_text(errors="replace")[-1000:]
        try:
            points, told = side.points(folder, spec), side.told(folder, spec)
        except Exception as error:  # It was killed, or broke: the figures say so.
            points, told = [], {"error": f"{type(error).__name__}: {error}"}
        if process.returncode:
            told = told | {"output": words}
    hits = [when - began for when, value in points if metric.reached(value, stage_end=True)]
    target = min((hit for hit in hits if hit <= cap), default=None)
    first = min((when - began for when, _ in points), default=None)
    return {
        **{"target": target, "end": end, "cpu": round(meter.seconds, 1), "first_on_all_data": first},
        **{"reports_on_all_data": len(points), "code": process.poll(), "load": [round(load, 1), os.getloadavg()[0]]},
        **told,
    }


class Meter:
    """CPU seconds of every process that carries ``mark`` in its environment, looked at four times a second.

    Processes of Ray are nobody's children in the end, so they are told by their environment. At the end those that are
    left are killed.
    """

    PERIOD = 0.25

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex
        self._used: dict[tuple[int, float], float] = {}
        self._known: dict[int, bool] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for process in self._look():
            process.kill()

    @property
    def seconds(self) -> float:
        """What all of them have used."""
        return sum(self._used.values())

    def _watch(self) -> None:
        while not self._over.wait(self.PERIOD):
            list(self._look())

    def _look(self) -> Iterator[psutil.Process]:
        pids = psutil.pids()
        self._known = {pid: mine for pid, mine in self._known.items() if pid in set(pids)}
        for pid in pids:
            if self._known.get(pid) is False:
                continue
            try:
                process = psutil.Process(pid)
                if pid not in self._known and (environment := process.environ()):  # None yet while it is being made.
                    self._known[pid] = environment.get(MARK) == self.mark
                if self._known.get(pid):
                    times = process.cpu_times()
                    self._used[pid, process.create_time()] = times.user + times.system
                    yield process
            except psutil.AccessDenied:
                self._known[pid] = False
            except psutil.Error:
                continue
