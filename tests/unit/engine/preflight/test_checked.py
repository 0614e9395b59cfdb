"""The stages of every round are checked against the data before a sweep exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.engine.preflight import check
from service.spec import SpecError
from tests.unit.engine.conftest import spec_of

PROJECT = str(Path(__file__).parents[3] / "projects")
PLAIN = [{"data": 1.0, "epochs": 1}]
THREE = [{"data": 1.0, "epochs": 1, "classes": 3}]


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"stages": THREE}, "stages/0"), ({"rounds": {"count": 3, "stages": [PLAIN, THREE]}}, "rounds/stages/1/0")],
)
def test_a_stage_that_the_data_cannot_give_is_named(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(SpecError) as caught:
        check(spec_of(task="toy:Blobs", **changes), PROJECT)
    [violation] = caught.value.violations
    assert violation.where == where
    assert "classes" in violation.message


def test_a_function_trains_in_one_process() -> None:
    with pytest.raises(SpecError, match=r"makes 4 processes .* toy:curve is a function.*write workers: 1, .* 4 GPUs"):
        check(spec_of(task="toy:curve", resources={"gpu": 4}), PROJECT)
    check(spec_of(task="toy:curve", resources={"gpu": 4, "workers": 1}), PROJECT)
    check(spec_of(task="toy:Blobs", resources={"gpu": 4}), PROJECT)


def test_a_transfer_needs_the_loop_of_sieve() -> None:
    space = {"lr": {"loguniform": [1e-3, 1.0]}}
    with pytest.raises(SpecError, match=r"transfer: changes what Sieve's own loop .* toy:curve is a function"):
        check(spec_of(task="toy:curve", parameters=space, transfer={"lr": 0.5}), PROJECT)
    check(spec_of(task="toy:Blobs", parameters=space, transfer={"lr": 0.5}), PROJECT)
