"""What a space does with partial configs, grids and its own YAML form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.spec.errors import SpecError
from service.spec.flat import flatten, nest
from service.spec.space.space import Space
from tests.unit.spec.strategies import spaces

SPACE = Space.parse(
    {
        "optimizer": {
            "name": {"choice": ["sgd", "adam"]},
            "lr": {"loguniform": [1e-4, 1]},
            "momentum": {"uniform": [0, 0.99], "when": {"optimizer/name": ["sgd"]}},
        },
        "layers": {"randint": [1, 5]},
        "norm": "batch",
    }
)
MIDDLE = [0.9, 0.5, 0.5, 0.5]


@given(spaces())
def test_the_yaml_form_is_json_and_parses_to_the_same_space(space: Space) -> None:
    assert Space.parse(json.loads(json.dumps(space.raw()))) == space


def test_partial_configs_are_completed_from_the_point() -> None:
    config = SPACE.complete({"optimizer/lr": 0.3, "layers": 2.0}, MIDDLE)
    assert config == {"optimizer/name": "adam", "optimizer/lr": 0.3, "layers": 2, "norm": "batch"}
    assert type(config["layers"]) is int


def test_given_numbers_are_kept_to_the_last_digit() -> None:
    value = 0.12345678901234567
    assert SPACE.complete({"optimizer/lr": value}, MIDDLE)["optimizer/lr"] == value


def test_a_conditional_value_is_dropped_when_the_draw_turns_it_off() -> None:
    assert "optimizer/momentum" not in SPACE.complete({"optimizer/momentum": 0.9}, MIDDLE)
    assert SPACE.complete({"optimizer/momentum": 0.9}, [0.1, 0.5, 0.5, 0.5])["optimizer/momentum"] == 0.9


@pytest.mark.parametrize(
    ("partial", "message"),
    [
        ({"layer": 2}, r"there is no parameter 'layer' \(did you mean 'layers'\?\)"),
        ({"optimizer/lr": 3}, "3 is outside the space; allowed: a number from 0.0001 to 1"),
        ({"layers": 5}, "5 is outside the space; allowed: an integer from 1 to 4"),
        ({"layers": 2.5}, "2.5 is outside the space"),
        ({"optimizer/name": "adamw"}, "allowed: one of 'sgd', 'adam'"),
        ({"norm": "layer"}, "is 'layer', but a constant of the space, 'batch'; leave it out"),
        ({"optimizer/name": "adam", "optimizer/momentum": 0.9}, "applies only when optimizer/name is 'sgd'"),
    ],
)
def test_values_outside_the_space_are_refused(partial: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        SPACE.complete(partial, MIDDLE)


def test_every_fault_of_a_config_is_named() -> None:
    with pytest.raises(SpecError) as caught:
        SPACE.check({"layers": 9, "optimizer/lr": 9, "norm": "batch"})
    assert [v.where for v in caught.value.violations] == ["layers", "optimizer/lr"]


def test_a_grid_has_every_config_once() -> None:
    space = Space.parse(
        {
            "optimizer": {"grid_search": ["sgd", "adam"]},
            "nesterov": {"choice": [True, False], "when": {"optimizer": "sgd"}},
            "layers": {"randint": [1, 3]},
            "drop": {"quniform": [0, 0.5, 0.5]},
            "seed": 3,
        }
    )
    grid = space.grid()
    assert len(grid) == (2 + 1) * 2 * 2
    assert grid[0] == {"optimizer": "sgd", "nesterov": True, "layers": 1, "drop": 0.0, "seed": 3}
    assert grid[1]["drop"] == 0.5
    assert sum(config["optimizer"] == "adam" for config in grid) == 4
    assert len({json.dumps(config) for config in grid}) == len(grid)


def test_a_grid_needs_listed_values() -> None:
    with pytest.raises(
        SpecError, match="parameters/optimizer/lr: is a loguniform; a grid needs listed values"
    ) as caught:
        SPACE.grid()
    assert [v.where for v in caught.value.violations] == ["parameters/optimizer/lr", "parameters/optimizer/momentum"]


def test_a_huge_grid_is_refused_before_it_is_built() -> None:
    with pytest.raises(SpecError, match="the grid has 1000000000000 points"):
        Space.parse({"a": {"randint": [0, 10**6]}, "b": {"randint": [0, 10**6]}}).grid()


def test_names_are_flat_with_slashes() -> None:
    nested = {"optimizer": {"lr": 0.1, "betas": [0.9, 0.99]}, "extra": {}, "norm": None}
    flat = {"optimizer/lr": 0.1, "optimizer/betas": [0.9, 0.99], "extra": {}, "norm": None}
    assert flatten(nested) == flat
    assert nest(flat) == nested
    assert flatten(flat) == flat


@given(st.recursive(st.integers(), lambda inner: st.dictionaries(st.text("ab", min_size=1), inner), max_leaves=20))
def test_nesting_undoes_flattening(tree: Any) -> None:
    nested = tree if isinstance(tree, dict) else {"x": tree}
    assert nest(flatten(nested)) == nested


@pytest.mark.parametrize("flat", [{"a": 1, "a/b": 2}, {"a/b": 2, "a": 1}])
def test_a_name_is_not_both_value_and_folder(flat: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="rename one of them"):
        nest(flat)
