"""Some hundred of the malformed submissions and uploads of scripts/fuzz_api.py."""

from __future__ import annotations

from pathlib import Path

from fuzz_api import Service, fuzz


def test_nothing_malformed_crashes_the_service_or_leaves_half_a_sweep(tmp_path: Path) -> None:
    service = Service(tmp_path / "home")
    fuzz(service, examples=100, derandomize=True)
    assert {201, 422} <= service.statuses.keys()
