"""`transfer`: what a stage trains with in place of the config's values."""

from __future__ import annotations

from typing import Any

import pytest

from trainables.stages import Plan, Stage
from trainables.transfer import trained

STAGES = (Stage(0.01, 4), Stage(0.25, 4), Stage(1.0, 8))


def plan(**exponents: float) -> Plan:
    return Plan(STAGES, transfer=tuple(exponents.items()))


@pytest.mark.parametrize(
    ("exponents", "config", "values"),
    [
        ({"batch_size": 0.5}, {"batch_size": 100}, [10, 50, 100]),
        ({"batch_size": 0.5}, {"batch_size": 7}, [2, 4, 7]),
        ({"batch_size": 0.5}, {"batch_size": 1}, [1, 1, 1]),
        ({"batch_size": -0.5}, {"batch_size": 16}, [160, 32, 16]),
        ({"batch_size": 0.5}, {"batch_size": 96, "accumulate": 3}, [9, 48, 96]),
        ({"batch_size": 0.5}, {"batch_size": 96, "accumulate": 32}, [32, 64, 96]),
        ({"batch_size": 0.0}, {"batch_size": 7}, [7, 7, 7]),
    ],
)
def test_batches_stay_whole_and_legal(exponents: Any, config: Any, values: list[int]) -> None:
    found = [trained(plan(**exponents), stage, config)["batch_size"] for stage in range(3)]
    assert found == values
    assert all(type(value) is int and value % config.get("accumulate", 1) == 0 for value in found)


def test_rates_are_multiplied_and_what_the_config_lacks_is_left_out() -> None:
    found = trained(plan(lr=0.5, weight_decay=-1.0, l1=0.25), 0, {"lr": 0.3, "weight_decay": 0.01})
    assert found == pytest.approx({"lr": 0.03, "weight_decay": 1.0})
    assert trained(Plan(STAGES), 0, {"lr": 0.3}) == {}
