"""What may change in the spec of a sweep that goes on."""

from __future__ import annotations

from pathlib import Path

from service.engine.submit.local import submit
from tests.unit.engine.conftest import spec_of

PROJECT = Path(__file__).parents[3] / "projects"


def test_the_data_may_be_elsewhere_when_a_sweep_goes_on(tmp_path: Path) -> None:
    for folder in ("here", "there"):
        record = submit(spec_of(task="toy:curve", data_dir=folder), tmp_path, project=PROJECT)
        assert record.spec["data_dir"] == folder
