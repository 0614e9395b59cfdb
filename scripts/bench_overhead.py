"""What starting a trial costs: Sieve with warm workers beside stock Ray Tune, in one run on one machine.

    .venv/bin/python scripts/bench_overhead.py [--trials 200] [--stock-trials 20] [--cpus 2] [--output FILE]

Every trial imports torch, takes one optimizer step of a 1x1 linear layer without data, and reports once. The cost is
the median time in which one slot gets through one trial, start-up left out. Prints one JSON object last, and writes it
to --output.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any


def train(config: dict[str, Any], stage: Any) -> None:
    """The task: one step of a tiny model; Sieve calls it, and so does the stock trainable."""
    for _ in stage:
        stage.report({"loss": tiny_step(config["lr"])})


def tiny_step(lr: float) -> float:
    """One SGD step of a 1x1 linear layer; returns its loss."""
    import torch

    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    loss = model(torch.ones(1, 1)).square().sum()
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def per_trial(ends: list[float], slots: int) -> float:
    """Median seconds that a slot needs for a trial: in that time ``slots`` trials end; the first tenth left out."""
    steady = sorted(ends)[max(slots, len(ends) // 10) :]
    return statistics.median(later - earlier for earlier, later in zip(steady, steady[slots:], strict=False))


def sieve(trials: int, cpus: int) -> dict[str, float]:
    """Run ``trials`` through Sieve on ``cpus`` slots."""
    from service.engine.control.sweep import run
    from service.engine.submit.local import submit
    from service.ledger.home import open_store

    with tempfile.TemporaryDirectory() as folder:
        spec = {
            "name": "overhead",
            "task": "bench_overhead:train",
            "metric": {"name": "loss", "goal": "minimize"},
            "parameters": {"lr": {"loguniform": [1e-4, 1.0]}},
            "stages": [{"data": 1.0, "epochs": 1}],
            "search": {"algorithm": "random", "trials": trials},
            "schedule": {"algorithm": "fifo"},
            "resources": {"max_concurrent": cpus},
        }
        began = time.perf_counter()
        submit(spec, Path(folder), project=Path(__file__).parent)
        run("overhead", Path(folder))
        wall = time.perf_counter() - began
        ends = [t.finished for t in open_store(Path(folder)).trials("overhead") if t.finished is not None]
    return {"trials": len(ends), "wall_s": wall, "per_trial_s": per_trial(ends, cpus)}


def stock(trials: int, cpus: int) -> dict[str, float]:
    """Run ``trials`` through Ray Tune with its default settings, on a cluster of ``cpus`` slots."""
    from ray import tune

    ends: list[float] = []

    class Ends(tune.Callback):  # type: ignore[misc]
        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            ends.append(time.time())

    class Tiny(tune.Trainable):  # type: ignore[misc]
        def setup(self, config: dict[str, Any]) -> None:
            self.lr = config["lr"]

        def step(self) -> dict[str, Any]:
            return {"loss": tiny_step(self.lr), "done": True}

        def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
            return {}

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        tune.Tuner(
            Tiny,
            param_space={"lr": tune.loguniform(1e-4, 1.0)},
            tune_config=tune.TuneConfig(metric="loss", mode="min", num_samples=trials),
            run_config=tune.RunConfig(storage_path=folder, callbacks=[Ends()], verbose=0),
        ).fit()
        wall = time.perf_counter() - began
    return {"trials": len(ends), "wall_s": wall, "per_trial_s": per_trial(ends, cpus)}


def main() -> None:
    """Measure both, Sieve first, and print the ratio of their costs per trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200, help="trials of the Sieve run")
    parser.add_argument("--stock-trials", type=int, default=20, help="trials of the stock run, which is slow")
    parser.add_argument("--cpus", type=int, default=2, help="trials at once, in both")
    parser.add_argument("--output", type=Path, help="where to write the figures, too")
    arguments = parser.parse_args()
    from cluster.connect import connect

    switches = set(os.environ)
    ours = sieve(arguments.trials, arguments.cpus)
    for name in set(os.environ) - switches:
        del os.environ[name]
    with connect(cpus=arguments.cpus):
        theirs = stock(arguments.stock_trials, arguments.cpus)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, no GPU used"
    ratio = theirs["per_trial_s"] / ours["per_trial_s"]
    figures = json.dumps({"machine": machine, "sieve": ours, "stock": theirs, "ratio": ratio}, indent=1)
    if arguments.output is not None:
        arguments.output.write_text(figures + "\n")
    print(figures)


if __name__ == "__main__":
    main()
