"""The JSON schema accepts what `load` accepts and points editors at typos."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given

from service.spec import Space, json_schema
from service.spec.space.kinds import KINDS
from service.spec.yaml_file.document import read
from tests.unit.spec.strategies import spaces
from tests.unit.spec.test_spec import MINIMAL, YAML, changed

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_valid_specs_pass() -> None:
    VALIDATOR.validate(MINIMAL)
    VALIDATOR.validate(read(YAML, "sweep.yaml").data)


@given(spaces())
def test_every_space_passes(space: Space) -> None:
    VALIDATOR.validate({**MINIMAL, "parameters": space.raw()})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("serach", {}),
        ("name", "A b"),
        ("metric/goal", "max"),
        ("stages", [{"data": 1.5, "epochs": 3}]),
        ("stages", [{"data": 1.0, "epochs": 0}]),
        ("search/trials", 0),
        ("budget/time", "soon"),
        ("loggers", ["tensorbord"]),
        ("parameters/x", {"uniform": [0]}),
        ("parameters/x", {"randint": [0, "a"]}),
        ("parameters/x", {"uniform": [0, 1], "default": 3}),
        ("parameters/x", {"choice": []}),
        ("parameters/x", [8, 16]),
        ("parameters", {}),
    ],
)
def test_invalid_specs_do_not(path: str, value: Any) -> None:
    assert not VALIDATOR.is_valid(changed(path, value))


def test_editors_are_told_about_exclusive_bounds() -> None:
    forms = json_schema()["$defs"]["Parameter"]["anyOf"]
    described = {next(iter(form["required"])): form for form in forms if "required" in form}
    assert set(described) == {*KINDS, "constant"}
    assert "high is exclusive, as in Tune" in described["randint"]["properties"]["randint"]["description"]
