"""Two hundred of the malformed submissions, uploads and messages of scripts/fuzz_api.py."""

from __future__ import annotations

from pathlib import Path

from fuzz_api import Service, fuzz


def test_nothing_malformed_crashes_the_service_or_leaves_half_a_sweep(tmp_path: Path) -> None:
    service = Service(tmp_path / "home")
    fuzz(service, range(200))
    assert {"submission 201", "submission 422", "package 201", "package 422", "head 200"} <= service.statuses.keys()
