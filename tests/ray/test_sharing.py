"""Trials that share a GPU, and run out of its memory. The GPU is one that only Ray believes in."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.engine import head
from service.engine.preflight import Checked
from service.ledger.home import open_store
from service.spec import Spec
from tests.ray.toys import go, toy

GIB = 2**30


def test_trials_are_packed_by_measure_and_one_out_of_memory_is_tried_again_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(spec: Spec, project: str) -> Checked:
        return Checked((), None, peak_bytes=5 * GIB)

    monkeypatch.setattr(head, "check", measured)
    monkeypatch.setattr(head, "smallest_gpu", lambda: 16 * GIB)
    spec = toy(
        task="toy:hungry",
        parameters={"needs": {"grid_search": [0.1, 0.9, 2.0]}},
        search={"algorithm": "grid"},
        schedule={"algorithm": "fifo"},
        stages=[{"data": 1.0, "epochs": 1}],
        resources={"cpu": 2, "gpu": "auto"},
        retries=0,
    )
    outcome = go(spec, tmp_path)
    store = open_store(tmp_path)
    trials = {t.config["needs"]: t for t in store.trials("toy")}
    gpus = {r.trial: r.metrics["gpu"] for r in store.reports("toy")}
    decisions = {(d.trial, d.verdict): d for d in store.decisions("toy")}
    assert outcome.state == "SUCCEEDED"
    assert {needs: gpus.get(t.number) for needs, t in trials.items()} == {0.1: 0.5, 0.9: 1, 2.0: None}
    assert "begins with 1/2 of a GPU: a trial takes 5.00 GiB at its peak" in decisions[1, "share"].reason
    assert "out of memory with 1/2 of a GPU: it is tried again alone" in decisions[trials[0.9].number, "alone"].reason
    assert (trials[0.9].state, trials[0.9].attempt) == ("FINISHED", 0)
    assert trials[0.9].gpu_seconds == pytest.approx(trials[0.9].seconds)
    assert trials[2.0].state == "FAILED"
    assert "out of memory with 1 of it; use a smaller batch_size" in trials[2.0].why
