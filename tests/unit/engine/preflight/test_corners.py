"""The corners of a space: valid configs, each named by what is special about it."""

from __future__ import annotations

from typing import Any

from service.engine.preflight.corners import MOST, corners, swept
from service.spec.flat import flatten
from tests.unit.engine.conftest import spec_of

SPACE = {
    "optimizer": {"choice": ["adamw", "sgd"]},
    "lr": {"loguniform": [1e-4, 1.0]},
    "momentum": {"uniform": [0.5, 0.9], "when": {"optimizer": ["sgd"]}},
    "net": {"width": {"randint": [8, 65]}},
}


def tried(parameters: dict[str, Any], **search: Any) -> dict[str, dict[str, Any]]:
    spec = spec_of(parameters=parameters, search=search)
    found = corners(spec)
    for corner in found:
        spec.space.to_unit(flatten(corner.config))  # Refuses what is not in the space.
    return {corner.name: dict(corner.config) for corner in found}


def test_every_end_is_tried_once_with_the_rest_in_the_middle() -> None:
    found = tried(SPACE)
    assert next(iter(found)) == "the middle"
    assert found["the middle"]["lr"] == 0.01
    assert found["lr = 1"]["lr"] == 1.0
    assert found["lr = 1"]["net"] == found["the middle"]["net"]
    assert {"lr = 0.0001", "net/width = 8", "net/width = 64", "all parameters low", "all parameters high"} <= set(found)
    assert len(found) == len({repr(config) for config in found.values()})


def test_a_conditional_parameter_comes_with_its_condition() -> None:
    found = tried(SPACE, initial=[{"optimizer": "adamw", "lr": 0.003}])
    assert "momentum" not in found["the middle"]
    assert found["the middle"]["lr"] == 0.003
    assert (found["momentum = 0.9"]["optimizer"], found["momentum = 0.9"]["momentum"]) == ("sgd", 0.9)


def test_a_short_choice_is_tried_in_full_and_a_long_one_at_its_ends() -> None:
    found = tried({"a": {"choice": list("xyz")}, "b": {"choice": list(range(20))}, "lr": 0.1})
    assert {"a = x", "a = z", "b = 0", "b = 19"} <= set(found)
    assert not {"b = 5", "b = 11"} & set(found)
    assert all(config["lr"] == 0.1 for config in found.values())


def test_there_are_never_more_than_can_be_tried() -> None:
    assert len(tried({f"p{n}": {"uniform": [0, 1]} for n in range(40)})) == MOST


def test_each_parameter_has_configs_that_differ_in_it_alone() -> None:
    spec = spec_of(parameters=SPACE)
    found = {one.name: {corner.name: flatten(corner.config) for corner in one.corners} for one in swept(spec)}
    assert {name: list(values) for name, values in found.items()} == {
        "optimizer": ["adamw", "sgd"],
        "lr": ["0.0001", "1"],
        "momentum": ["0.5", "0.9"],
        "net/width": ["8", "64"],
    }
    low, high = found["momentum"].values()
    assert {key for key in low if low[key] != high[key]} == {"momentum"}
    assert low["optimizer"] == "sgd"
