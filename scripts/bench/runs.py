"""The runs of a comparison: which are missing, running them in processes of their own, reading them back."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.batch import Job, as_argument
from bench.environments import python
from bench.methods import Method

_SCRIPTS = Path(__file__).resolve().parents[1]
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Plan:
    """What every run of a comparison shares. ``budget`` is in mean seconds of a whole training of the problem."""

    cache: Path
    data: Path
    seeds: tuple[int, ...]
    budget: float
    stragglers: float = 0.0
    crashes: float = 0.0

    def job(self, method: Method, problem: str, workers: int, unit: float) -> Job:
        """All seeds of one method on one problem; ``unit``: mean seconds of a whole training."""
        hazards = f"-s{self.stragglers:g}-c{self.crashes:g}" if self.stragglers or self.crashes else ""
        name = f"{problem}-w{workers}-b{self.budget:g}{hazards}.jsonl".replace(":", "-")
        return Job(
            method=method.name,
            maker=method.maker,
            revision=method.revision,
            problem=problem,
            data=str(self.data),
            seeds=self.seeds,
            workers=workers,
            budget=self.budget,
            unit=unit,
            stragglers=self.stragglers,
            crashes=self.crashes,
            output=str(self.cache / "runs" / method.name.replace(":", "-") / name),
        )


def records(job: Job) -> list[dict[str, Any]]:
    """The job's runs that have ended, in order of its seeds; those of another revision or unit are not among them."""
    path = Path(job.output)
    lines = path.read_text().splitlines() if path.exists() else []
    found = [record for record in map(json.loads, lines) if _belongs(record, job)]
    newest = {record["seed"]: record for record in found}
    return [newest[seed] for seed in job.seeds if seed in newest]


def _belongs(record: dict[str, Any], job: Job) -> bool:
    return bool(record["revision"] == job.revision and record["unit"] == job.unit)


class Runner:
    """Runs jobs, a few at once, each in a process of its own; says so and goes on when one fails."""

    def __init__(self, cache: Path, at_once: int) -> None:
        self.failed: list[Job] = []
        self._cache, self._at_once = cache, at_once
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._done = 0

    def run(self, jobs: Sequence[Job], environments: dict[str, str]) -> None:
        """Run what is missing of ``jobs``, each method in its of ``environments``; when ended it ends its processes."""
        missing = list(_missing(jobs))
        pythons = {name: python(name, self._cache) for name in sorted({environments[job.method] for job in missing})}
        pool = ThreadPoolExecutor(self._at_once)
        try:
            list(pool.map(lambda job: self._one(job, pythons[environments[job.method]], len(missing)), missing))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(self._processes):
                process.terminate()

    def _one(self, job: Job, interpreter: Path, total: int) -> None:
        Path(job.output).parent.mkdir(parents=True, exist_ok=True)
        log, began = Path(job.output).with_suffix(".log"), time.perf_counter()
        with open(log, "w") as errors:
            process = subprocess.Popen(
                [interpreter, "-m", "bench.batch", as_argument(job)],
                cwd=_SCRIPTS,
                env={**os.environ, **_ONE_THREAD},
                stdout=errors,
                stderr=errors,
            )
            self._processes.add(process)
            code = process.wait()
        self._processes.discard(process)
        with self._lock:
            self._done += 1
            outcome = f"{time.perf_counter() - began:.0f} s" if code == 0 else f"FAILED with exit code {code}: {log}"
            where = f"{job.method} on {job.problem}, {job.workers} workers, {len(job.seeds)} seeds"
            print(f"[{self._done}/{total}] {where}: {outcome}", flush=True)
            if code:
                self.failed.append(job)
            else:
                log.unlink()


def _missing(jobs: Iterable[Job]) -> Iterable[Job]:
    for job in jobs:
        ended = {record["seed"] for record in records(job)}
        seeds = tuple(seed for seed in job.seeds if seed not in ended)
        if seeds:
            yield replace(job, seeds=seeds)
