"""What ``--dry-run`` says a sweep will cost."""

from __future__ import annotations

from typing import Any

import pytest

from service.engine.preflight.forecast import forecast, lines
from tests.unit.engine.conftest import spec_of

ROUNDS = {"count": 3, "trials": 4, "stages": [[{"data": 1.0, "epochs": 5}]]}


def test_one_round_has_a_line_per_stage_and_one_for_the_whole() -> None:
    assert lines(spec_of("asha")) == [
        "stage 0: 0.5 of the data, 1 epochs; about 12 trials; a rung at 0.5 full-data epochs",
        "stage 1: 1 of the data, 2 epochs; about 4 trials; a rung at 2.5 full-data epochs",
        "expected budget: about 14 of 30 full-data epochs that 12 full trainings cost (46.7 %)",
    ]


def test_each_round_is_forecast_with_its_own_stages_and_trials() -> None:
    said = lines(spec_of("asha", rounds=ROUNDS))
    assert [line for line in said if line.startswith("round")] == [
        "round 0:",
        "round 1, over the space as narrowed by then:",
        "round 2, over the space as narrowed by then:",
    ]
    assert said[-1].startswith("expected budget: about 54 of 70 full-data epochs that 20 full trainings cost")


@pytest.mark.parametrize(
    ("budget", "trials", "end"),
    [({"trials": 13}, [12, 1], "13 full trainings cost (54.3 %)"), ({"epochs": 7.0}, [12, 4, 4], "about 7 of 70")],
)
def test_a_budget_cuts_the_forecast(budget: dict[str, Any], trials: list[int], end: str) -> None:
    spec = spec_of("asha", rounds=ROUNDS, budget=budget)
    assert [one.trials for one in forecast(spec)] == trials
    assert end in lines(spec)[-1]
