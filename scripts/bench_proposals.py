"""What a proposal costs late in a long sweep and beside many running trials, by searcher.

    .venv/bin/python scripts/bench_proposals.py [--proposals 30] [--beside FOLDER] [--output FILE]

The table holds that many random configs of a space of six parameters (one conditional), two thirds of which ended the
first of three stages only, and trials that run without a value yet; every proposal joins it. With --beside the same is
measured of another checkout, in the same run. A proposal computes on one thread; its median is given in milliseconds
of CPU time, which other work on the machine changes little, and of wall time. The first one, which imports and fits, is
left out. Prints one JSON object last, and writes it to --output.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SEARCHERS = ("bayesopt", "hyperopt", "random", "sobol")
TABLES = ((300, 0), (3_000, 0), (10_000, 0), (300, 1_000))
"""(trials with a value, running trials without one)."""

SPEC = {
    "name": "proposals",
    "task": "nowhere:task",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {
        "lr": {"loguniform": [1e-5, 1.0]},
        "weight_decay": {"loguniform": [1e-6, 0.1]},
        "optimizer": {"choice": ["sgd", "adam", "lamb"]},
        "momentum": {"uniform": [0.0, 0.99], "when": {"optimizer": ["sgd"]}},
        "width": {"lograndint": [16, 1025]},
        "dropout": {"uniform": [0.0, 0.7]},
    },
    "stages": [{"data": 0.1, "epochs": 1}, {"data": 0.3, "epochs": 1}, {"data": 1.0, "epochs": 1}],
}


def table_of(space: Any, told: int, running: int) -> list[Any]:
    """Random configs by their distance from a point; every third ended the second stage, every ninth the last."""
    import numpy as np

    from service.policy.observation import Observation

    draw, table = np.random.default_rng(0), []
    for trial in range(1, told + running + 1):
        config = space.from_unit([float(u) for u in draw.random(space.dimension)])
        if trial > told:
            table.append(Observation(trial, config, "RUNNING"))
            continue
        loss = sum((0.5 if u is None else u - 0.3) ** 2 for u in space.to_unit(config))
        stages = 1 + (trial % 3 == 0) + (trial % 9 == 0)
        values = {stage: loss + 0.1 * (3 - stage) * float(draw.random()) for stage in range(stages)}
        order = {stage: 3 * trial + stage for stage in values}
        table.append(Observation(trial, config, "PAUSED", values, dict.fromkeys(values, 1.0), order))
    return table


def cost(algorithm: str, told: int, running: int, proposals: int) -> dict[str, float]:
    """Median milliseconds of a proposal."""
    from service.policy import search
    from service.policy.observation import Observation
    from service.spec import load

    spec = load(SPEC | {"search": {"algorithm": algorithm, "trials": 1_000_000}})
    searcher, table = search.create(spec), table_of(spec.space, told, running)
    cpu, wall = [], []
    for number in range(len(table) + 1, len(table) + proposals + 2):
        begun = time.process_time(), time.perf_counter()
        config = searcher.propose(number, table)
        cpu.append(1000 * (time.process_time() - begun[0]))
        wall.append(1000 * (time.perf_counter() - begun[1]))
        assert config is not None
        table = [*table, Observation(number, config, "RUNNING")]
    return {"cpu_ms": round(statistics.median(cpu[1:]), 2), "wall_ms": round(statistics.median(wall[1:]), 2)}


def measured(proposals: int) -> dict[str, dict[str, dict[str, float]]]:
    """The cost by searcher and table."""
    return {
        algorithm: {
            f"{told} told, {running} running": cost(algorithm, told, running, proposals) for told, running in TABLES
        }
        for algorithm in SEARCHERS
    }


def beside(folder: Path, proposals: int) -> Any:
    """The same of the checkout in ``folder``."""
    command = [sys.executable, str(Path(__file__).resolve()), "--proposals", str(proposals)]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, check=True, text=True
    )
    return json.loads(done.stdout)["after"]


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proposals", type=int, default=30, help="proposals of each median")
    parser.add_argument("--beside", type=Path, help="another checkout to measure before this one")
    parser.add_argument("--output", type=Path, help="where to write the figures, too")
    arguments = parser.parse_args()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, no GPU used"
    before = {} if arguments.beside is None else {"before": beside(arguments.beside.resolve(), arguments.proposals)}
    figures = json.dumps({"machine": machine, **before, "after": measured(arguments.proposals)}, indent=1)
    if arguments.output is not None:
        arguments.output.write_text(figures + "\n")
    print(figures)


if __name__ == "__main__":
    main()
