"""The ``rounds:`` of a spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from service.spec import SpecError, json_schema, load
from tests.unit.spec.test_spec import MINIMAL

FINER = [{"data": 1.0, "epochs": 20}]
FINEST = [{"data": 0.5, "epochs": 5}, {"data": 1.0, "epochs": 40}]


def test_there_is_one_round_by_default() -> None:
    assert load(MINIMAL).rounds.count == 1
    assert load(MINIMAL).warnings() == []


def test_every_round_has_stages_and_trials(tmp_path: Path) -> None:
    spec = load({**MINIMAL, "rounds": {"count": 4, "keep": 0.3, "stages": [FINER, FINEST]}})
    assert [[stage.epochs for stage in spec.at(i).stages] for i in range(4)] == [[2, 10], [20], [5, 40], [5, 40]]
    assert [spec.at(i).plan == spec.plans[spec.plan_number(i)] for i in range(4)] == [True] * 4
    assert [spec.trials_of(i) for i in range(2)] == [32, 32]
    assert [load({**MINIMAL, "rounds": {"count": 2, "trials": 8}}).trials_of(i) for i in range(3)] == [32, 8, 8]
    path = tmp_path / "sweep.yaml"
    path.write_text(spec.to_yaml())
    assert load(path) == load(spec.to_dict()) == spec


def test_one_round_is_a_spec_without_rounds() -> None:
    search = {"algorithm": "random", "trials": 9, "initial": [{"lr": 0.1}]}
    spec = load({**MINIMAL, "search": search, "rounds": {"count": 2, "trials": 4, "stages": [FINER]}})
    assert spec.at(0) == load({**MINIMAL, "search": search})
    assert spec.at(1) == load({**MINIMAL, "stages": FINER, "search": {"algorithm": "random", "trials": 4}})
    assert load(MINIMAL).at(0) == load(MINIMAL)


def test_what_lone_rounds_say_is_warned_about() -> None:
    spec = load({**MINIMAL, "rounds": {"keep": 0.5}})
    assert spec.warnings() == ["rounds: there is only one, so keep does nothing: write count: 2"]
    assert load(load({**MINIMAL, "rounds": {"count": 2, "keep": 0.5}}).to_dict()).warnings() == []


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"cuont": 2}, "rounds/cuont", "unknown key 'cuont' (did you mean 'count'?); allowed: count, keep, trials, stages"),
    ({"count": 0}, "rounds/count", "is 0; allowed: at least 1"),
    ({"keep": 1.0}, "rounds/keep", "is 1.0; allowed: below 1"),
    ({"keep": 0.0}, "rounds/keep", "is 0.0; allowed: above 0"),
    ({"count": 2, "trials": 0}, "rounds/trials", "is 0; allowed: at least 1"),
    ({"count": 2, "stages": [FINER, FINEST]}, "rounds/stages", "has 2 plans, one for each round after the first, but"),
    ({"count": 2, "stages": FINER}, "rounds/stages/0", "is {'data': 1.0, 'epochs': 20}; write a list"),
    ({"count": 2, "stages": [[]]}, "rounds/stages/0", "is empty; a plan needs at least one"),
    ({"count": 2, "stages": [[{"data": 2.0, "epochs": 1}]]}, "rounds/stages/0/0/data", "a fraction in (0, 1]"),
    ({"count": 2, "stages": [[{"data": 1.0}]]}, "rounds/stages/0/0/epochs", "is missing; add e.g. epochs: 10"),
]


@pytest.mark.parametrize(("rounds", "where", "message"), REFUSED)
def test_refused(rounds: dict[str, Any], where: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        load({**MINIMAL, "rounds": rounds})
    [violation] = caught.value.violations
    assert violation.where == where
    assert message in violation.message


def test_a_violation_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    head = load(MINIMAL).to_yaml()
    falling = "rounds:\n  count: 2\n  stages:\n    - - {data: 1.0, epochs: 2}\n      - {data: 0.5, epochs: 9}\n"
    path.write_text(head + falling)
    line = head.count("\n") + 5
    with pytest.raises(SpecError, match=rf"sweep.yaml:{line}: rounds/stages/0/1/data: data fractions never fall"):
        load(path)


def test_editors_know_rounds() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.validate({**MINIMAL, "rounds": {"count": 3, "keep": 0.3, "stages": [FINER, FINEST]}})
    for wrong in ({"count": 0}, {"keep": 1.0}, {"stages": [3]}, {"round": 2}):
        assert not validator.is_valid({**MINIMAL, "rounds": wrong})
