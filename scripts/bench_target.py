"""Seconds from the start of a process to a target: Sieve beside stock Ray Tune and Optuna, training real tasks.

    SIEVE_DATA=DIR .venv/bin/python scripts/bench_target.py [--tasks satellite,…] [--seeds 3] [--cap 100] [--show]

All search the space of ``trainables/tasks/NAME.yaml`` without its `initial` configs, and train the same model by the
same loop, on as many cores, one a trial. Sieve runs the file as it is otherwise. Ray Tune has HyperOptSearch and
ASHAScheduler by their defaults; Optuna has TPESampler and HyperbandPruner, in as many processes over one journal. Their
trials train on all data for as many epochs as a trial of Sieve that climbs every stage. The target is reached by a
report of training on all data, and all end their sweep by it.

The sides take turns in a random order. Each run is a line of --out, which a later call goes on with: runs that are
there are not made again. A run that has no report of the target within --cap seconds counts as longer than that.
``--quantile N`` trains N random configs of each task in full instead: a target lies where the best tenth of them ends.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import service
from bench.to_target import run, sides

ROOT = Path(__file__).parents[1]
TARGETS = {"letterrecognition": 0.955, "satellite": 0.915, "digits": 0.983, "adult": 0.852}
TRIALS = 200
"""Of each side at most. More put Sieve's first full training off: its rungs wait for more trials."""


def spec_of(task: str, seed: int, trials: int = TRIALS) -> dict[str, Any]:
    """The example sweep of ``task``, to its target, with this seed and nothing known to begin with."""
    raw = service.load(ROOT / "trainables" / "tasks" / f"{task}.yaml").to_dict()
    raw["search"] |= {"initial": [], "trials": trials, "seed": seed}
    raw["metric"] |= {"target": TARGETS[task]}
    return dict(raw)


def known(path: Path) -> list[dict[str, Any]]:
    """The runs of earlier calls."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def missing(arguments: argparse.Namespace, done: Sequence[dict[str, Any]]) -> Iterator[tuple[str, int, str]]:
    """Task, seed and side of the runs to make, the sides of one seed after one another in a random order."""
    have = {(row["task"], row["seed"], row["side"]) for row in done}
    for seed in range(1, arguments.seeds + 1):
        for task in arguments.tasks:
            order = arguments.sides.copy()
            random.Random(f"{task} {seed}").shuffle(order)
            yield from ((task, seed, side) for side in order if (task, seed, side) not in have)


def median(rows: Sequence[dict[str, Any]], key: str, cap: float) -> float:
    """The median over runs, those without a value being longer than ``cap``; infinite where it is one of these."""
    values = [row[key] for row in rows]
    return statistics.median(float("inf") if value is None or value > cap else value for value in values)


def table(rows: Sequence[dict[str, Any]], arguments: argparse.Namespace) -> Table:
    """Medians of each task and side."""
    made = Table("task", "target", "side", "runs", "target after, s", "sweep over after, s", "CPU s", "load")
    for task in arguments.tasks:
        for side in arguments.sides:
            own = [row for row in rows if (row["task"], row["side"]) == (task, side)]
            if not own:
                continue
            reached, over = (median(own, key, cap) for key, cap in (("target", arguments.cap), ("end", 1e9)))
            each = ", ".join("–" if row["target"] is None else f"{row['target']:.0f}" for row in own)
            words = [
                f"> {arguments.cap:.0f}" if seconds == float("inf") else f"{seconds:.1f}" for seconds in (reached, over)
            ]
            cpu = statistics.median(row["cpu"] for row in own)
            loads = [load for row in own for load in row["load"]]
            made.add_row(
                *(task, f"{TARGETS[task]:g}", side, f"{len(own)}", f"{words[0]} ({each})", words[1], f"{cpu:.0f}"),
                f"{min(loads):.1f} to {max(loads):.1f}",
            )
    return made


def ratios(rows: Sequence[dict[str, Any]], arguments: argparse.Namespace) -> Iterator[str]:
    """How many times longer each peer took than Sieve with the same seed; one that was cut off took the cap or more."""
    by = {(row["task"], row["seed"], row["side"]): row["target"] or arguments.cap for row in rows}
    for side in arguments.sides[1:]:
        pairs = [(key, by[key], by.get((*key[:2], side))) for key in by if key[2] == "sieve"]
        found = [theirs / ours for _, ours, theirs in pairs if theirs is not None]
        if found:
            slower = sum(ratio < 1 for ratio in found)
            longer = f"{statistics.median(found):.2f} times as long in the median"
            yield f"{side}: {longer}; Sieve is slower in {slower} of {len(found)}"


def quantile(task: str, count: int) -> None:
    """Print the values at the end of full trainings of ``count`` random configs."""
    from service.policy.search.random_draw import draw
    from service.spec.flat import nest
    from trainables.loop.training import Training
    from trainables.stages import Plan, Stage
    from trainables.worker.loading import describe_task
    from trainables.worker.resolve import resolve

    spec = service.load(spec_of(task, 1))
    resolved, epochs = resolve(spec.task, str(ROOT)), round(spec.plan.total)
    _, packed = describe_task(spec.task, str(ROOT), spec.to_dict()["stages"], 0)
    data, values = packed.unpacked(), []
    for number in range(1, count + 1):
        config = nest(spec.space.from_unit(draw(spec.space, 10_000, number)))
        run = Training(resolved, data, config, Plan((Stage(1.0, epochs),)), 0)
        try:
            values.append(max(run.run_epoch()[spec.metric.name] for _ in range(epochs)))
        except Exception as error:
            print(f"{task} {number}: {error}")
    values.sort(reverse=True)
    best, rest = values[count // 10 - 1], [round(value, 4) for value in values]
    print(f"{task}: of {count} random configs the best tenth has {best:.4f} or more: {rest}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=lambda text: text.split(","), default=list(TARGETS))
    parser.add_argument("--sides", type=lambda text: text.split(","), default=["sieve", "ray tune", "optuna"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cap", type=float, default=100.0, help="seconds of a run")
    parser.add_argument("--trials", type=int, default=TRIALS, help="of each side, at most")
    parser.add_argument("--out", type=Path, default=ROOT / "scripts" / "results" / "target.jsonl")
    parser.add_argument("--show", action="store_true", help="show what --out holds")
    parser.add_argument("--quantile", type=int, help="train so many random configs of each task instead")
    arguments = parser.parse_args()
    if arguments.quantile:
        for task in arguments.tasks:
            quantile(task, arguments.quantile)
        return
    workers, rows = os.cpu_count() or 1, known(arguments.out)
    for task, seed, side in [] if arguments.show else missing(arguments, rows):
        found = run(sides(workers)[side], spec_of(task, seed, arguments.trials), arguments.cap)
        machine = f"{workers} cores, {platform.machine()}"
        asked = {"task": task, "seed": seed, "side": side, "cap": arguments.cap, "planned": arguments.trials}
        rows.append(asked | {"machine": machine} | found)
        with arguments.out.open("a") as out:
            out.write(json.dumps(rows[-1], default=float) + "\n")
        print(task, seed, side, {key: rows[-1][key] for key in ("target", "end", "cpu", "load")}, flush=True)
    console = Console(width=140)
    console.print(table(rows, arguments))
    for line in ratios(rows, arguments):
        console.print(line)


if __name__ == "__main__":
    main()
