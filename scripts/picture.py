"""The README's picture: a sweep of a reference task beside stock Ray Tune's, on the same cores, one after the other.

    SIEVE_DATA=DIR .venv/bin/python scripts/picture.py [--task NAME] [--seconds 300] [--trials 2000] [--seed 7]

Both search the space of ``trainables/tasks/NAME.yaml`` without its `initial` configs and train by the same loop, in
trials of one core. Sieve runs the file as it is otherwise. Ray Tune has HyperOptSearch and ASHAScheduler with their
defaults; its trials train on all data for as many epochs as a trial of Sieve that climbs every stage, and each gets the
data from Ray's object store. A point is a report of training on all data: what Sieve's coarse stages report is left
out. Seconds count from the start of each process, so that imports and Ray's start count, too.

Writes the figures to ``--output`` (JSON) and draws ``--image`` from them; ``--draw`` only draws.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from typing import Any

import matplotlib

import service

matplotlib.use("Agg")
from matplotlib import pyplot

ROOT = Path(__file__).parents[1]
BELOW = 0.15
"""How much worse than the best a value may be to be seen."""


def spec_of(task: str, seconds: float, trials: int, seed: int) -> dict[str, Any]:
    """The example sweep of ``task`` with these limits and this seed, and nothing known to begin with."""
    raw = service.load(ROOT / "trainables" / "tasks" / f"{task}.yaml").to_dict()
    raw["search"] |= {"initial": [], "trials": trials, "seed": seed}
    raw["budget"] |= {"time": seconds}
    return raw


def sieve(spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run ``spec`` by the command line; trials begun, points (seconds, value) and the best config."""
    (folder / "sweep.yaml").write_text(service.Spec.model_validate(spec).to_yaml())
    began = time.time()
    command = [Path(sys.executable).parent / "sieve", "run", "sweep.yaml", "--quiet", "--home", folder / "home"]
    subprocess.run(command, check=True, cwd=folder)
    sweep, metric = service.sweep(spec["name"], folder / "home"), spec["metric"]["name"]
    history, trials = sweep.history(), sweep.trials().set_index("trial")
    # A report's time counts from when the head had its Ray; a trial's end is on the clock and comes with its last one.
    ends = trials["finished"].dropna().map(lambda end: end.timestamp())
    lag = (ends - history.groupby("trial")["time"].max()).min() - began
    on_all_data = history[history["data"] == 1.0]
    best = trials.loc[on_all_data.loc[on_all_data[metric].idxmax(), "trial"]].dropna()
    config = {key.removeprefix("config/"): value for key, value in best.items() if key.startswith("config/")}
    points = list(zip(on_all_data["time"] + lag, on_all_data[metric], strict=True))
    return {"trials": len(trials), "points": points, "config": config}


def stock(spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same by stock Ray Tune."""
    (folder / "spec.json").write_text(json.dumps(spec))
    began = time.time()
    command = [sys.executable, "-m", "bench.stock", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT / "scripts", env=os.environ | {"PYTHONPATH": str(ROOT)})
    found = json.loads((folder / "found.json").read_text())
    return found | {"points": [(when - began, value) for when, value in found["points"]]}


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Both sides, Sieve first, with the machine's load before and after each."""
    spec = spec_of(arguments.task, arguments.seconds, arguments.trials, arguments.seed)
    figures = {"task": arguments.task, "metric": spec["metric"]["name"], "seconds": arguments.seconds}
    figures |= {"seed": arguments.seed, "machine": f"{os.cpu_count()} cores, {platform.machine()}, no GPU"}
    sides = {"Sieve": sieve, "Ray Tune: HyperOptSearch, ASHAScheduler": stock}
    figures["sides"] = {}
    for name, run in sides.items():
        with tempfile.TemporaryDirectory() as folder:
            before = os.getloadavg()[0]
            found = run(spec, Path(folder))
            figures["sides"][name] = {"load": [before, os.getloadavg()[1]], **found}
    return figures


def draw(figures: dict[str, Any], path: Path) -> None:
    """Best so far against seconds, both sides in one axes."""
    limit, tops = figures["seconds"], []
    figure, axes = pyplot.subplots(figsize=(7.5, 4.2))
    for name, side in figures["sides"].items():
        times, values = zip(*sorted(point for point in side["points"] if point[0] <= limit), strict=True)
        best = list(accumulate(values, max))
        axes.step([*times, limit], [*best, best[-1]], where="post", label=f"{name}, {best[-1]:.3f}")
        tops.append(best[-1])
    axes.set(xlim=(0, limit), ylim=(max(tops) - BELOW, max(tops) + BELOW / 15))
    axes.set(xlabel="seconds since the process began", ylabel=f"best {figures['metric']} so far, trained on all data")
    loads = [load for side in figures["sides"].values() for load in side["load"]]
    machine = f"{figures['machine']}, shared: load {min(loads):.0f} to {max(loads):.0f}"
    axes.set_title(f"{figures['task']}, one run each, seed {figures['seed']}, {machine}", fontsize=9)
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="letterrecognition")
    parser.add_argument("--seconds", type=float, default=300.0, help="wall limit of each side")
    parser.add_argument("--trials", type=int, default=2000, help="limit of each side")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", type=Path, default=ROOT / "scripts" / "results" / "picture.json")
    parser.add_argument("--image", type=Path, default=ROOT / "docs" / "images" / "sweep-beside-tune.svg")
    parser.add_argument("--draw", action="store_true", help="draw what --output holds")
    arguments = parser.parse_args()
    if not arguments.draw:
        arguments.output.write_text(json.dumps(measured(arguments), default=float) + "\n")
    draw(json.loads(arguments.output.read_text()), arguments.image)


if __name__ == "__main__":
    main()
