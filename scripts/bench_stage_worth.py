"""Do the intervals of stages' rank correlations hold the truth? Simulated sweeps on problems whose truth is known.

    .venv/bin/python scripts/bench_stage_worth.py [--sweeps 40] [--trials 600] [--out scripts/results]

Each problem draws how well its stages foretell the last one, and whether coarse stages favour other configs. The truth
is the rank correlation over all trials that the sweep proposed, each trained in full. Every stage of every sweep with
enough controls is one estimate. Prints a table and writes stage_worth.json to --out.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from service.engine.curves import Measurement
from service.engine.simulation.options import SimulationOptions
from service.engine.simulation.simulate import simulate
from service.policy.worth.rank_correlation import ranks
from service.spec import Spec, load
from trainables.stages import Stage

STAGES = [{"data": 0.1, "epochs": 1}, {"data": 0.3, "epochs": 1}, {"data": 1.0, "epochs": 2}]
SEARCHERS = ("random", "bayesopt")


@dataclass(frozen=True)
class Problem:
    """A config's value at a stage: its quality, noise of the stage's own, and a bias for what trains fast."""

    seed: int

    configs: None = None
    notes: tuple[str, ...] = ()

    def value(self, config: Mapping[str, Any], data: float) -> float:
        draw = np.random.default_rng(self.seed)
        noise, bias, optimum = draw.uniform(0.0, 1.2), draw.uniform(-1.0, 1.0), draw.uniform(0.2, 0.8, size=2)
        quality = -3.0 * (config["x"] - optimum[0]) ** 2 - (config["y"] - optimum[1]) ** 2
        own = np.random.default_rng([int(1e9 * config["x"]), int(1e9 * config["y"]), int(1000 * data)]).normal()
        return float(quality + (1.0 - data) * (bias * config["y"] + noise * own) + 0.02 * own)

    def epoch(self, config: Mapping[str, Any], stage: Stage, epoch: int) -> Measurement:
        return Measurement({"value": self.value(config, stage.data)}, 100.0 * stage.data)


@dataclass(frozen=True)
class Estimate:
    """One stage of one sweep: what was measured on ``pairs`` controls, what is so, and what the rule decided by."""

    searcher: str
    seed: int
    stage: int
    truth: float
    measured: float
    low: float
    high: float
    pairs: int


def spec_of(searcher: str, seed: int, trials: int) -> Spec:
    return load(
        {
            "name": "worth",
            "task": "nowhere:task",
            "metric": {"name": "value", "goal": "maximize"},
            "parameters": {"x": {"uniform": [0, 1]}, "y": {"uniform": [0, 1]}},
            "stages": STAGES,
            "search": {"algorithm": searcher, "trials": trials, "seed": seed},
            "schedule": {"reduction_factor": 3},
        }
    )


def estimates(searcher: str, seed: int, trials: int) -> list[Estimate]:
    """The newest estimate of each stage but the last, where there are enough controls."""
    problem = Problem(seed)
    simulation = simulate(spec_of(searcher, seed, trials), problem, SimulationOptions(workers=8))
    last = ranks([problem.value(trial.config, 1.0) for trial in simulation.trials])
    found = []
    for stage, plan in enumerate(STAGES[:-1]):
        newest = [record for record in simulation.worth if record.stage == stage][-1:]
        if newest and newest[0].correlation is not None and newest[0].low is not None and newest[0].high is not None:
            here = ranks([problem.value(trial.config, plan["data"]) for trial in simulation.trials])
            truth = float(np.corrcoef(here, last)[0, 1])
            one = newest[0]
            found.append(Estimate(searcher, seed, stage, truth, one.correlation, one.low, one.high, one.pairs))
    return found


def summary(found: list[Estimate]) -> dict[str, float]:
    held = [one.low <= one.truth <= one.high for one in found]
    coverage = fmean(held)
    return {
        "estimates": len(found),
        "coverage": coverage,
        "standard_error": math.sqrt(coverage * (1 - coverage) / len(found)),
        "mean_width": fmean(one.high - one.low for one in found),
        "mean_error": fmean(one.measured - one.truth for one in found),
        "mean_pairs": fmean(one.pairs for one in found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=40, help="for each searcher (default 40)")
    parser.add_argument("--trials", type=int, default=600, help="of each sweep (default 600)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder of the figures")
    given = parser.parse_args()
    found = {
        searcher: [one for seed in range(given.sweeps) for one in estimates(searcher, seed, given.trials)]
        for searcher in SEARCHERS
    }
    rows = {searcher: summary(those) for searcher, those in found.items()}
    rows["all"] = summary([one for those in found.values() for one in those])
    for name, row in rows.items():
        print(f"{name:9}", "  ".join(f"{key} {value:.3g}" for key, value in row.items()))
    every = [asdict(one) for those in found.values() for one in those]
    text = json.dumps({"arguments": vars(given) | {"out": None}, "summary": rows, "estimates": every}, indent=1)
    (given.out / "stage_worth.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
