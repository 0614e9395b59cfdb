"""What ``--dry-run`` says a sweep will cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean
from typing import Any

import pytest

from service.engine.curves.function import Computed
from service.engine.preflight.forecast import forecast, lines
from service.engine.simulation.options import SimulationOptions
from service.engine.simulation.simulate import simulate
from service.spec import Spec, load
from tests.unit.engine.conftest import spec_of

ROUNDS = {"count": 3, "trials": 4, "stages": [[{"data": 1.0, "epochs": 5}]]}


def test_one_round_has_a_line_per_stage_and_one_for_the_whole() -> None:
    assert lines(spec_of("asha")) == [
        "stage 0: 0.5 of the data, 1 epochs; about 12 trials; a rung at 0.5 full-data epochs",
        "stage 1: 1 of the data, 2 epochs; about 4.2 trials; a rung at 2.5 full-data epochs",
        "expected budget: about 14.4 of 30 full-data epochs that 12 full trainings cost (48.0 %)",
    ]


def test_each_round_is_forecast_with_its_own_stages_and_trials() -> None:
    said = lines(spec_of("asha", rounds=ROUNDS))
    assert [line for line in said if line.startswith("round")] == [
        "round 0:",
        "round 1, over the space as narrowed by then:",
        "round 2, over the space as narrowed by then:",
    ]
    assert said[-1].startswith("expected budget: about 54.4 of 70 full-data epochs that 20 full trainings cost")


@pytest.mark.parametrize(
    ("budget", "trials", "end"),
    [({"trials": 13}, [12, 1], "13 full trainings cost (55.4 %)"), ({"epochs": 7.0}, [12, 4, 4], "about 7 of 70")],
)
def test_a_budget_cuts_the_forecast(budget: dict[str, Any], trials: list[int], end: str) -> None:
    spec = spec_of("asha", rounds=ROUNDS, budget=budget)
    assert [one.trials for one in forecast(spec)] == trials
    assert end in lines(spec)[-1]


PLANS = {
    "two stages": ([(0.25, 1), (1.0, 4)], 4, 8),
    "two stages, more trials": ([(0.25, 1), (1.0, 4)], 4, 24),
    "three stages": ([(0.1, 2), (0.5, 4), (1.0, 8)], 3, 36),
    "three steep stages": ([(0.05, 2), (0.25, 4), (1.0, 12)], 4, 64),
}


def curve(config: Mapping[str, Any], data: float, epoch: int) -> tuple[float, float]:
    """Learning curves of which coarse ones tell something, but not all."""
    good = 1.0 - (config["x"] - 0.6) ** 2
    odd = math.sin(1e4 * config["x"] + 10 * data)
    return good * (1 - 0.5 ** (4 * epoch * data)) + 0.05 * odd, 100.0 * data


def promoting(stages: list[tuple[float, int]], factor: int, trials: int, seed: int = 0) -> Spec:
    return load(
        spec_of().to_dict()
        | {
            "parameters": {"x": {"uniform": [0, 1]}},
            "stages": [{"data": data, "epochs": epochs} for data, epochs in stages],
            "schedule": {"algorithm": "promote", "reduction_factor": factor},
            "search": {"algorithm": "random", "trials": trials, "seed": seed},
        }
    )


@pytest.mark.parametrize("name", PLANS)
def test_sweeps_cost_what_was_forecast(name: str) -> None:
    """Twenty sweeps on average within a fifth: how many trials of a small one come in good order is chance."""
    used = []
    for seed in range(20):
        spec = promoting(*PLANS[name], seed)
        simulation = simulate(spec, Computed(curve, spec.metric.name, "here"), SimulationOptions(workers=4))
        used.append(sum(report.data for report in simulation.reports))
    [expected] = forecast(spec)
    assert fmean(used) == pytest.approx(expected.expected, rel=0.2)


def test_the_first_sweep_of_a_newcomer_takes_less_than_half() -> None:
    [first] = forecast(promoting([(0.5, 4), (1.0, 8)], 4, 8))
    assert first.expected <= 0.5 * first.full
