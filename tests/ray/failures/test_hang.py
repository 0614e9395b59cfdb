"""A trial that waits for ever is ended, tried again, and said to have hung."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.ledger.home import open_store
from service.ledger.records import Batch
from service.ledger.store.sweep_ledger import SweepLedger
from tests.ray.toys import go, toy


def test_a_trial_that_hangs_is_named_ended_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[int, list[str]] = {1: [], 2: []}
    before = SweepLedger.append

    def append(self: SweepLedger, name: str, attempt: int, batch: Batch) -> None:
        for row in batch.trials:
            seen[row.number].append(row.why)
        before(self, name, attempt, batch)

    monkeypatch.setattr(SweepLedger, "append", append)
    spec = toy(
        task="toy:hangs_once",
        parameters={"x": {"uniform": [0, 1]}, "flag": str(tmp_path / "flag")},
        search={"algorithm": "random", "trials": 2, "initial": [{"x": 0.9}, {"x": 0.1}]},
        schedule={"algorithm": "fifo"},
        hang_timeout="6s",
    )
    assert go(spec, tmp_path).state == "SUCCEEDED"
    hung, other = open_store(tmp_path).trials("toy")
    assert (hung.state, hung.attempt, other.state, other.attempt) == ("FINISHED", 1, "FINISHED", 0)
    assert "silent for more than 3 s; after 6 s it is ended and tried again" in seen[1]
    assert "retry 1 of 2 after: it reported nothing for 6 s, longer than hang_timeout: it hangs" in seen[1]
    assert not any("silent" in why for why in seen[2])
