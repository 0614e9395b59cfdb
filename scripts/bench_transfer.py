"""What the first, coarse stage of a sweep foretells of full training, and what makes it foretell more.

    .venv/bin/python scripts/bench_transfer.py [--minutes 60] [--configs 28] [--tasks A,B] [--data DIR] [--show]
        [--log FILE] [--out DIR]

Trains random configs of real tasks in full (ten of each task with two seeds, others with one) and by the first stage of
the plan as the product's continuing stages do, as it is and in variants (two seeds, each with a subset of its own);
tasks are cut so that a full training takes some seconds on one core. One thread, config after config of all tasks in
turn. Each training is a line of --log, so that a run which was cut off goes on. Then prints the tables and writes
transfer.json to --out; --show only that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from bench.transfer.evaluation import DRAWS, by_steps, by_task, changes, pooled_regrets
from bench.transfer.scores import Scores, scores
from bench.transfer.setups import SETUPS, Setup
from bench.transfer.trainings import Job, jobs, trained
from service.spec.stage_plan.steps import USEFUL

KEYS = ("task", "config", "variant", "seed")
ROOT = Path(__file__).parents[1]


def train(setups: tuple[Setup, ...], given: argparse.Namespace) -> None:
    """All trainings that the log lacks, until the time is over."""
    until = time.monotonic() + 60 * given.minutes
    loaded = {setup.name: (*setup.load(given.data), setup.configs(given.configs)) for setup in setups}
    known = {tuple(record[key] for key in KEYS) for record in records(given.log)}
    for number in range(given.configs):
        for setup in setups:
            task, data, configs = loaded[setup.name]
            for job in jobs(setup.name, number):
                if tuple(asdict(job).values()) in known:
                    continue
                if time.monotonic() > until:
                    return
                write(given.log, job, trained(setup, task, data, configs[number], job))


def write(log: Path, job: Job, found: dict[str, Any]) -> None:
    with log.open("a") as file:
        file.write(json.dumps(asdict(job) | found) + "\n")


def records(log: Path) -> Iterator[dict[str, Any]]:
    """The trainings of the log; a line that a crash cut short is left aside."""
    for line in log.read_text().splitlines() if log.exists() else ():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def evaluated(every: list[Scores]) -> dict[str, Any]:
    """All figures, with the hardware."""
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, one thread, torch {torch.__version__}, shared with other work"
    )
    return {
        "machine": machine,
        "draws": DRAWS,
        "tasks": {one.task: by_task(one) for one in every},
        "changes": changes(every),
        "steps": by_steps(every),
        "regret": pooled_regrets(every),
    }


def show(figures: dict[str, Any]) -> None:
    """Print the tables of what is pooled over tasks."""
    print(figures["machine"], *(f"{name} {one['configs']}" for name, one in figures["tasks"].items()), sep="; ")
    for name, row in figures["changes"].items():
        cost = "{:.1f}–{:.1f}".format(*row["cost"])
        print(f"{name:26}", "  ".join(f"{key}: {spoken(one)}" for key, one in row.items() if key != "cost"), cost)
    for row in figures["steps"]:
        against = f"against {USEFUL} steps {spoken(row['against'])}"
        print(f"{row['steps']:4} steps, {len(row['tasks'])} tasks: {spoken(row)}, {against}")
    for name, row in figures["regret"].items():
        print(f"{name:26}", "  ".join(f"{key}: {spoken(one)}" for key, one in row.items()))


def spoken(one: dict[str, float]) -> str:
    return f"{one['mean']:+.2f} [{one['low']:+.2f}, {one['high']:+.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="no training begins later (60)")
    parser.add_argument("--configs", type=int, default=28, help="of each task (28)")
    parser.add_argument("--tasks", help="only these, by commas")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SIEVE_DATA", "../shared/data")))
    parser.add_argument("--log", type=Path, default=ROOT / "scripts" / "results" / "transfer.jsonl")
    parser.add_argument("--out", type=Path, default=ROOT / "scripts" / "results", help="folder of the figures")
    parser.add_argument("--show", action="store_true", help="train nothing")
    given = parser.parse_args()
    names = given.tasks.split(",") if given.tasks else [setup.name for setup in SETUPS]
    chosen = tuple(setup for setup in SETUPS if setup.name in names)
    if len(chosen) < len(names):
        sys.exit(f"no such tasks among {', '.join(names)}; there are {', '.join(setup.name for setup in SETUPS)}")
    torch.set_num_threads(1)
    given.log.parent.mkdir(parents=True, exist_ok=True)
    if not given.show:
        train(chosen, given)
    figures = evaluated([scores(setup.name, setup.sign, records(given.log)) for setup in chosen])
    show(figures)
    (given.out / "transfer.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
