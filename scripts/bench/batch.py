"""A process of its own that runs one method on one problem with several seeds: ``python -m bench.batch JOB``.

It runs in the method's own environment, so it imports neither Sieve nor another peer.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.problems.problems import Problem
from bench.problems.recorded import named
from bench.problems.world import Setting, Trace, incumbents, reached, simulate


@dataclass(frozen=True)
class Job:
    """What to run, and the file that gets a JSON line for each seed as it ends. ``budget`` is in ``unit`` seconds."""

    method: str
    maker: str
    revision: str
    problem: str
    data: str
    seeds: tuple[int, ...]
    workers: int
    budget: float
    unit: float
    stragglers: float
    crashes: float
    output: str

    def setting(self, seed: int) -> Setting:
        """The simulated cluster of one seed."""
        return Setting(self.workers, self.budget * self.unit, seed, self.stragglers, self.crashes)


def run(job: Job, problem: Problem, seed: int) -> dict[str, Any]:
    """One run as a plain record."""
    np.random.seed(seed)  # some libraries draw from the global generators
    random.seed(seed)
    problem.forget()
    began = time.perf_counter()
    trace = _trace(job, problem, job.setting(seed))
    return {
        "method": job.method,
        "problem": job.problem,
        "seed": seed,
        "revision": job.revision,
        "unit": job.unit,
        "incumbents": [tuple(change) for change in incumbents(trace.reports)],
        "launched": trace.launched,
        "reports": len(trace.reports),
        "full": reached(trace.reports, problem.top),
        "cpu": _summary(trace.cpu),
        "wall": _summary(trace.wall),
        "elapsed": time.perf_counter() - began,
    }


def _trace(job: Job, problem: Problem, setting: Setting) -> Trace:
    if job.maker:
        module, _, name = job.maker.partition(":")
        return simulate(problem, getattr(importlib.import_module(module), name)(problem, setting.seed), setting)
    algorithm, _, schedule = job.method.partition(":")[2].partition("+")
    trace: Trace = importlib.import_module("bench.sieve").run(problem, setting, algorithm, schedule or "auto")
    return trace


def _summary(costs: list[float]) -> dict[str, float]:
    """Seconds for each decision."""
    array = np.array(costs)
    median, p99 = np.quantile(array, (0.5, 0.99))
    return {"decisions": len(costs), "median": float(median), "p99": float(p99), "sum": float(array.sum())}


def main() -> None:
    """Run the seeds of the job given as one JSON argument."""
    warnings.filterwarnings("ignore")
    raw = json.loads(sys.argv[1])
    job = Job(**{**raw, "seeds": tuple(raw["seeds"])})
    problem = named(job.problem, Path(job.data))
    for seed in job.seeds:
        line = json.dumps(run(job, problem, seed))
        with open(job.output, "a") as output:
            output.write(line + "\n")


def as_argument(job: Job) -> str:
    """The job as the argument that :func:`main` reads."""
    return json.dumps(asdict(job))


if __name__ == "__main__":
    main()
