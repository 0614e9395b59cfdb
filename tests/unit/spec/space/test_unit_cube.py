"""Space ↔ unit cube: exact there and back for every kind, with Tune's laws."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.spec.errors import SpecError
from service.spec.space.kinds import KINDS
from service.spec.space.parameter import Parameter
from service.spec.space.space import Space
from tests.unit.spec.strategies import BY_KIND, UNITS, spaces

KIND_NAMES = sorted(KINDS)


def parameter(kind: str, *args: Any) -> Parameter:
    return Space.parse({"x": {kind: list(args)}}).parameters[0]


def test_every_kind_is_tested() -> None:
    assert set(BY_KIND) == set(KINDS)


@pytest.mark.parametrize("kind", KIND_NAMES)
@given(data=st.data())
def test_values_survive_the_way_to_the_unit_interval_and_back(kind: str, data: st.DataObject) -> None:
    sampler = data.draw(BY_KIND[kind]).sampler
    value = sampler.from_unit(data.draw(UNITS))
    unit = sampler.to_unit(value)
    assert 0.0 <= unit <= 1.0
    back = sampler.from_unit(unit)
    assert back == value
    assert type(back) is type(value)
    assert sampler.to_unit(back) == unit


@pytest.mark.parametrize("kind", [k for k in KIND_NAMES if KINDS[k].arguments])
@given(data=st.data())
def test_numbers_grow_with_the_coordinate_and_stay_inside(kind: str, data: st.DataObject) -> None:
    drawn = data.draw(BY_KIND[kind])
    lower, upper = sorted((data.draw(UNITS), data.draw(UNITS)))
    below, above = drawn.sampler.from_unit(lower), drawn.sampler.from_unit(upper)
    assert below <= above
    if not kind.endswith("randn"):
        assert drawn.args[0] <= below
        assert above <= drawn.args[1]
    assert drawn.sampler.cast(below) == below


@pytest.mark.parametrize("kind", [k for k in KIND_NAMES if not k.endswith("uniform") and not k.endswith("randn")])
@given(data=st.data())
def test_every_listed_value_has_its_own_place(kind: str, data: st.DataObject) -> None:
    sampler = data.draw(BY_KIND[kind]).sampler
    values = sampler.values()
    assert len(values) == sampler.count
    index = data.draw(st.integers(0, len(values) - 1))
    assert sampler.from_unit(sampler.to_unit(values[index])) == values[index]


@given(st.integers(0, 10**12))
def test_decimals_a_person_writes_come_back_exactly(thousandths: int) -> None:
    sampler = parameter("uniform", 0, 1).sampler
    value = thousandths / 10**12
    assert sampler.from_unit(sampler.to_unit(value)) == value


@given(st.integers(1, 10**9), st.integers(-12, 3))
def test_decimals_come_back_exactly_on_a_log_scale(digits: int, exponent: int) -> None:
    value = float(f"{digits}e{exponent}")
    sampler = parameter("loguniform", 1e-13, 1e13).sampler
    assert sampler.from_unit(sampler.to_unit(value)) == value


@given(space=spaces(), data=st.data())
def test_configs_survive_the_way_to_the_cube_and_back(space: Space, data: st.DataObject) -> None:
    point = data.draw(st.lists(UNITS, min_size=space.dimension, max_size=space.dimension))
    config = space.from_unit(point)
    units = space.to_unit(config)
    assert [p.name for p, u in zip(space.parameters, units, strict=True) if u is not None] == [
        p.name for p in space.active(config)
    ]
    assert space.from_unit([0.123 if unit is None else unit for unit in units]) == config
    assert space.complete({name: config[name] for name in config if name != "fixed"}, point) == config


@pytest.mark.parametrize(
    ("kind", "args", "first", "last"),
    [
        ("uniform", (2, 4), 2.0, 4.0),
        ("loguniform", (1e-4, 1.0), 1e-4, 1.0),
        ("quniform", (0.1, 0.9, 0.1), 0.1, 0.9),
        ("qloguniform", (1, 1000, 1), 1.0, 1000.0),
        ("randint", (3, 7), 3, 6),
        ("qrandint", (4, 12, 4), 4, 12),
        ("qrandint", (4, 12, 1), 4, 11),
        ("qrandint", (5, 15, 4), 8, 12),
        ("lograndint", (16, 257), 16, 256),
        ("qlograndint", (16, 64, 16), 16, 64),
        ("choice", ("a", "b", "c"), "a", "c"),
    ],
)
def test_ends_of_the_interval(kind: str, args: tuple[Any, ...], first: Any, last: Any) -> None:
    sampler = parameter(kind, *args).sampler
    for unit, expected in ((0.0, first), (-1.0, first), (1.0, last), (2.0, last)):
        value = sampler.from_unit(unit)
        assert value == expected
        assert type(value) is type(expected)


def shares(kind: str, *args: Any) -> dict[Any, float]:
    """The share of the unit interval that each value of a parameter owns."""
    sampler, cells = parameter(kind, *args).sampler, 40_000
    drawn = [sampler.from_unit((cell + 0.5) / cells) for cell in range(cells)]
    return {value: drawn.count(value) / cells for value in set(drawn)}


@pytest.mark.parametrize(
    ("kind", "args", "expected"),
    [
        ("randint", (0, 4), {0: 1 / 4, 1: 1 / 4, 2: 1 / 4, 3: 1 / 4}),
        ("qrandint", (0, 20, 10), {0: 1 / 3, 10: 1 / 3, 20: 1 / 3}),
        ("quniform", (0, 2, 1), {0.0: 1 / 4, 1.0: 1 / 2, 2.0: 1 / 4}),
        ("lograndint", (1, 4), {k: math.log((k + 1) / k) / math.log(4) for k in (1, 2, 3)}),
        ("choice", ("a", "b"), {"a": 1 / 2, "b": 1 / 2}),
    ],
)
def test_values_are_as_likely_as_in_tune(kind: str, args: tuple[Any, ...], expected: dict[Any, float]) -> None:
    assert shares(kind, *args) == pytest.approx(expected, abs=1e-3)


def test_normal_has_its_mean_and_spread() -> None:
    sampler = parameter("randn", 10, 2).sampler
    assert sampler.from_unit(0.5) == 10.0
    assert sampler.from_unit(0.841344746) == pytest.approx(12.0)
    assert 10 - 2 * 5.7 < sampler.from_unit(0.0) < 10 - 2 * 5.6


def test_quantized_values_are_decimal() -> None:
    assert parameter("quniform", 0, 1, 0.1).sampler.values() == [k / 10 for k in range(11)]


def test_conditions_chain() -> None:
    space = Space.parse(
        {
            "momentum": {"uniform": [0, 1], "when": {"optimizer": ["sgd"]}},
            "optimizer": {"choice": ["sgd", "adam"], "when": {"model": "deep"}},
            "model": {"choice": ["deep", "flat"]},
            "depth": {"constant": 3, "when": {"model": ["deep"]}},
        }
    )
    assert space.from_unit([0.5, 0.0, 0.0]) == {"momentum": 0.5, "optimizer": "sgd", "model": "deep", "depth": 3}
    assert space.from_unit([0.5, 0.9, 0.0]) == {"optimizer": "adam", "model": "deep", "depth": 3}
    assert space.from_unit([0.5, 0.0, 0.9]) == {"model": "flat"}
    assert space.to_unit({"model": "flat"}) == [None, None, 0.75]
    assert space.to_unit({"model": "flat", "optimizer": "sgd", "momentum": 0.5}) == [None, None, 0.75]


@pytest.mark.parametrize("point", [[], [0.1, 0.2], [math.nan]])
def test_points_of_another_shape_are_refused(point: list[float]) -> None:
    with pytest.raises(ValueError, match="needs 1 coordinates"):
        Space.parse({"x": {"uniform": [0, 1]}}).from_unit(point)


@pytest.mark.parametrize(
    ("config", "message"), [({}, "is missing"), ({"x": 2}, "outside the space"), ({"x": True}, "x")]
)
def test_configs_outside_the_space_have_no_coordinates(config: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Space.parse({"x": {"uniform": [0, 1]}}).to_unit(config)
