"""The simulation beside the real head."""

from __future__ import annotations

from pathlib import Path

from service.engine.simulation.options import SimulationOptions
from service.engine.simulation.submit_simulated import SimulatedSubmission, submit
from service.ledger import open_store
from tests.ray.toys import go, toy


def test_with_one_worker_a_simulation_repeats_the_real_sweep(tmp_path: Path) -> None:
    """The same configs in the same order, the same verdicts for the same reasons: both ask the policy alike."""
    spec = toy(schedule={"algorithm": "promote", "reduction_factor": 2})
    go(spec, tmp_path)
    simulated = submit(SimulatedSubmission("toy", "toy"), SimulationOptions(), tmp_path)
    store = open_store(tmp_path)
    assert [t.config for t in simulated.trials] == [t.config for t in store.trials("toy")]
    assert [(t.state, t.why, t.stage) for t in simulated.trials] == [
        (t.state, t.why, t.stage) for t in store.trials("toy")
    ]
    assert [(r.trial, r.stage, r.epoch, r.budget, r.metrics) for r in simulated.reports] == [
        (r.trial, r.stage, r.epoch, r.budget, r.metrics) for r in store.reports("toy")
    ]
    assert [(d.trial, d.stage, d.verdict, d.reason, d.numbers) for d in simulated.decisions] == [
        (d.trial, d.stage, d.verdict, d.reason, d.numbers) for d in store.decisions("toy")
    ]
