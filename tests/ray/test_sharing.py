"""Trials that share a GPU, and run out of its memory. The GPU is one that only Ray believes in."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.engine.control.sweep import extend, run
from service.engine.head import cluster_share, peak_memory
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

    monkeypatch.setattr(peak_memory, "measured", measured)
    monkeypatch.setattr(cluster_share, "smallest_gpu", lambda: 16 * GIB)
    spec = toy(
        task="toy:hungry",
        parameters={"needs": {"choice": [0.1, 0.9, 2.0]}},
        search={"algorithm": "random", "trials": 2, "initial": [{"needs": 0.1}, {"needs": 0.9}, {"needs": 2.0}]},
        schedule={"algorithm": "fifo"},
        stages=[{"data": 1.0, "epochs": 1}],
        resources={"cpu": 2, "gpu": "auto"},
        retries=0,
    )
    assert go(spec, tmp_path).state == "SUCCEEDED"
    store = open_store(tmp_path)
    small, large = store.trials("toy")
    decisions = {(d.trial, d.verdict): d for d in store.decisions("toy")}
    assert {r.trial: r.metrics["gpu"] for r in store.reports("toy")} == {1: 0.5, 2: 1}
    assert "begins with 1/2 of a GPU: a trial takes 5.00 GiB at its peak" in decisions[1, "share"].reason
    assert "out of memory with 1/2 of a GPU: it is tried again alone" in decisions[2, "alone"].reason
    assert (small.state, large.state, large.attempt) == ("FINISHED", "FINISHED", 0)
    assert large.gpu_seconds == pytest.approx(large.seconds)

    extend(
        "toy", 1, tmp_path
    )  # A new head knows that half a GPU is too little: the next trial begins with a whole one.
    assert run("toy", tmp_path).state == "SUCCEEDED"
    giant = store.trials("toy")[2]
    assert giant.state == "FAILED"
    assert "out of memory with 1 of it; use a smaller batch_size" in giant.why
    assert {d.verdict for d in store.decisions("toy") if d.trial == 3} == set()
