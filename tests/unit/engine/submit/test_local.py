"""What may change in the spec of a sweep that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.engine.submit.local import submit
from service.ledger.errors import NameInUse
from service.spec import TaskFacts, load
from tests.unit.engine.conftest import spec_of

PROJECT = Path(__file__).parents[3] / "projects"


def test_the_data_may_be_elsewhere_when_a_sweep_goes_on(tmp_path: Path) -> None:
    for folder in ("here", "there"):
        record = submit(spec_of(task="toy:curve", data_dir=folder), tmp_path, project=PROJECT)
        assert record.spec["data_dir"] == folder


def test_a_plan_that_sieve_made_is_made_once_and_found_again(tmp_path: Path) -> None:
    auto = spec_of(
        "promote", task="broken:Healthy", stages={"epochs": 20}, parameters={"batch_size": {"choice": [16, 32]}}
    )
    raw = auto.to_dict() | {"metric": {"name": "val_accuracy", "goal": "maximize"}, "stages": {"epochs": 20}}
    record = submit(raw, tmp_path, project=PROJECT)
    assert record.spec["facts"] == {"examples": 600, "validation": 200}
    assert record.spec["stages"] == load(raw).fitted(TaskFacts(examples=600, validation=200)).to_dict()["stages"]
    more = submit(raw | {"search": {**raw["search"], "trials": 99}}, tmp_path, project=PROJECT)
    assert more.spec["search"]["trials"] == 99
    assert (more.spec["stages"], more.spec["facts"]) == (record.spec["stages"], record.spec["facts"])
    given = raw | {"stages": record.spec["stages"], "planned": None, "search": more.spec["search"]}
    assert submit(given, tmp_path, project=PROJECT).created == record.created
    with pytest.raises(NameInUse, match="with other stages"):
        submit(raw | {"stages": {"epochs": 30}}, tmp_path, project=PROJECT)
