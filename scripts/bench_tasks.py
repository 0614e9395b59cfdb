"""The example sweeps of the reference tasks in full: what they find, at what share of training every trial in full.

    .venv/bin/python scripts/bench_tasks.py [--home DIR] [--machine WORDS] [--output FILE] NAME …

NAME is a file of ``trainables/tasks`` without its ``.yaml``; the data are found as for `sieve run`. A sweep that is
over in the ledger of ``--home`` is read rather than run again, one that was cut short goes on. After each, what it
found is written to ``--output``, in which the figures of others stay as they are.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import service

ROOT = Path(__file__).parents[1]


def figures(sweep: service.Sweep, machine: str) -> dict[str, Any]:
    """What the best trial ended with, the work done beside full training of all trials begun, seconds and machine."""
    status, spec = sweep.status, service.load(ROOT / "trainables" / "tasks" / f"{_stem(sweep.name)}.yaml")
    metric, [best] = spec.metric.name, sweep.best().to_dict("records")
    return {
        "metric": metric,
        "best": round(best[metric], 4),
        "config": {key.removeprefix("config/"): value for key, value in best.items() if _given(key, value)},
        "trials": len(sweep.trials()),
        "finished_the_last_stage": int((sweep.trials()["state"] == "FINISHED").sum()),
        "budget": round(status.used, 2),
        "full_budget": round(status.full, 2),
        "share_of_full_budget": round(status.used / status.full, 4),
        "seconds": round(status.elapsed),
        "machine": machine,
    }


def _given(key: str, value: Any) -> bool:
    return key.startswith("config/") and value == value  # A parameter that does not apply is NaN.


def _stem(name: str) -> str:
    return name.replace("-", "_")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--home", type=Path, default=Path(".sieve"))
    parser.add_argument("--machine", default=f"{os.cpu_count()} cores")
    parser.add_argument("--output", type=Path, default=ROOT / "scripts" / "results" / "tasks.json")
    arguments = parser.parse_args()
    for name in arguments.names:
        sweep = service.run(ROOT / "trainables" / "tasks" / f"{name}.yaml", home=arguments.home, project=ROOT)
        if sweep.state != "SUCCEEDED":
            parser.exit(1, f"{name} is {sweep.state}; run it again to go on\n")
        found = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
        found[name] = figures(sweep, arguments.machine)
        arguments.output.write_text(json.dumps(found, indent=2, default=float) + "\n")
        print(json.dumps({name: found[name]}, default=float), flush=True)


if __name__ == "__main__":
    main()
