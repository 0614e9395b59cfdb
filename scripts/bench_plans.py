"""Example sweeps with their own stages beside the plan that Sieve makes: seconds to a target on all data.

    .venv/bin/python scripts/bench_plans.py [--seeds 3] [--out FILE] NAME:TARGET …

NAME is a file of ``trainables/tasks`` without its ``.yaml``; its ``initial`` config is left out. Both plans end with
the same full training and run in turn, each sweep in a home of its own, until a trial has TARGET at the last stage.
Seconds are the sweep's running time at that report, work is that of the whole sweep in full-data epochs; None where no
trial reached the target. Data are found as for `sieve run`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import service

ROOT = Path(__file__).parents[1]


def spec_of(name: str, target: float, seed: int, made: bool) -> dict[str, Any]:
    """The example's spec; with the plan that Sieve makes, or its own."""
    raw = service.load(ROOT / "trainables" / "tasks" / f"{name}.yaml").to_dict()
    stages = {"epochs": raw["stages"][-1]["epochs"]} if made else raw["stages"]
    search = raw["search"] | {"seed": seed, "initial": []}
    return raw | {"stages": stages, "search": search, "metric": raw["metric"] | {"target": target}}


def measured(spec: dict[str, Any]) -> dict[str, Any]:
    """Run a sweep and say when the target came."""
    metric = spec["metric"]["name"]
    with tempfile.TemporaryDirectory() as home:
        sweep = service.run(spec, project=ROOT, home=home, check=False)
        history, trials = sweep.history(), sweep.trials()
        last = history["stage"].max()
        there = history[(history["stage"] == last) & (history[metric] >= spec["metric"]["target"])]
        work = float(trials["budget"].sum())
        seconds = float(there["time"].min()) if len(there) else None
        best = float(history[history["stage"] == last][metric].max())
        return {"seconds": seconds, "work": work, "best": best, "trials": len(trials)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="+", metavar="NAME:TARGET")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "scripts" / "results" / "plans.json")
    given = parser.parse_args()
    found = json.loads(given.out.read_text()) if given.out.exists() else {}
    for asked in given.tasks:
        name, _, target = asked.partition(":")
        for seed in range(1, given.seeds + 1):
            for made in (False, True):
                row = measured(spec_of(name, float(target), seed, made))
                key = f"{name}, {'made' if made else 'own'}, seed {seed}"
                found[key] = {"target": float(target), **row, "load": round(os.getloadavg()[0], 1)}
                print(key, found[key], flush=True)
                given.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
