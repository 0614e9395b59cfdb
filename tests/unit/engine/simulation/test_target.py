"""The target of a sweep, held against reports by head and simulator alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.engine.simulation.options import SimulationOptions
from service.engine.simulation.outcome import Simulation
from service.engine.simulation.simulate import simulate
from service.engine.simulation.submit_simulated import SimulatedSubmission, submit
from service.interface.text import status_view
from service.ledger import Results, open_store
from service.ledger.results.status import Leader, snapshot
from service.spec.models import Metric
from tests.unit.engine.conftest import CURVES, curve, grid

STAGES = [{"data": 0.5, "epochs": 2}, {"data": 1.0, "epochs": 3}]
"""Scores of x: x/2 and 3x/4, then 7x/8, 15x/16, 31x/32."""


def to_target(target: float, target_at: str = "report", **changes: Any) -> Simulation:
    """Trials with the score x = 1, 2 and 4 in the end, one after another."""
    metric = {"name": "score", "goal": "maximize", "target": target, "target_at": target_at}
    return simulate(grid(1.0, 2.0, 4.0, metric=metric, stages=STAGES, **changes), CURVES, SimulationOptions(workers=1))


@pytest.mark.parametrize(
    ("target_at", "last", "words"),
    [
        ("report", (3, 1, 4), "trial 3 has score 3.75 after 2 epochs of the last stage"),
        ("stage_end", (3, 1, 5), "trial 3 has score 3.875 at the end of the last stage"),
    ],
)
def test_the_first_report_of_the_last_stage_that_reaches_it_ends_the_sweep(
    target_at: str, last: tuple[int, int, int], words: str
) -> None:
    found = to_target(3.6, target_at)
    newest = found.reports[-1]
    assert (newest.trial, newest.stage, newest.epoch) == last
    assert (found.ending.state, found.ending.why) == ("SUCCEEDED", f"target 3.6 reached: {words}")


def test_a_coarse_value_reaches_nothing() -> None:
    """Trial 3 has 3 at the end of its first stage, and 3.5 after an epoch of the last one."""
    assert to_target(2.9).reports[-1].epoch == 3
    assert to_target(2.9).ending.why.endswith("trial 3 has score 3.5 after 1 epoch of the last stage")


def test_where_rounds_have_stages_of_their_own_those_of_the_last_count() -> None:
    rounds = {"count": 2, "keep": 0.5, "trials": 3, "stages": [[{"data": 1.0, "epochs": 4}]]}
    found = to_target(1.9, rounds=rounds)
    assert {trial.round for trial in found.trials} == {0, 1}, "31/16 in the first round ends nothing"
    assert found.trials[found.reports[-1].trial - 1].round == 1


@pytest.mark.parametrize(
    ("goal", "value", "reached"),
    [
        ("maximize", 0.5, True),
        ("maximize", 0.49, False),
        ("minimize", 0.5, True),
        ("minimize", 0.51, False),
        ("maximize", float("nan"), False),
        ("minimize", float("nan"), False),
        ("maximize", float("inf"), False),
        ("minimize", float("-inf"), False),
        ("maximize", None, False),
    ],
)
def test_a_value_reaches_the_target_or_not(goal: Any, value: float | None, reached: bool) -> None:
    assert Metric(name="score", goal=goal, target=0.5).reached(value, stage_end=False) == reached
    assert Metric(name="score", goal=goal, target=0.5).reached(value, stage_end=True) == reached
    late = Metric(name="score", goal=goal, target=0.5, target_at="stage_end")
    assert (late.reached(value, stage_end=False), late.reached(value, stage_end=True)) == (False, reached)
    assert not Metric(name="score", goal=goal).reached(value, stage_end=True)


@pytest.fixture
def ended(tmp_path: Path) -> Path:
    """The home of a simulated sweep: trial 1 has finished with 1.9375, trial 2 has reached the target with 3.75."""
    metric = {"name": "score", "goal": "maximize", "target": 3.6}
    spec = grid(2.0, 4.0, metric=metric, stages=STAGES)
    submit(SimulatedSubmission(spec, curve, None), SimulationOptions(workers=1), tmp_path)
    return tmp_path


def test_the_trial_that_reached_it_is_the_best_and_shown_for_what_it_is(ended: Path) -> None:
    store = open_store(ended)
    [first, second] = Results(store).best_rows("toy", 5)
    assert (first["trial"], first["state"], first["epoch"], first["score"]) == (2, "STOPPED", 4, 3.75)
    assert "target 3.6 reached: trial 2" in first["why"]
    assert (second["trial"], second["state"], second["score"]) == (1, "FINISHED", 1.9375)
    for reports in (store.reports("toy"), store.milestones("toy")):
        status = snapshot(store.sweep("toy"), store.trials("toy"), reports, 0.0)
        assert status.best == Leader(2, 1, 3.75, final=False, epochs=2)
    assert "3.75: trial 2 (after 2 epochs of the last stage, not at its end)" in status_view.best(status)
    assert [level.finished for level in status.funnel] == [2, 1], "it did not finish the stage"


def test_what_does_not_reach_the_target_is_best_only_at_the_end_of_its_stage(ended: Path) -> None:
    store = open_store(ended)
    raw = store.sweep("toy").spec
    for metric in ({"target": 3.9}, {"target_at": "stage_end"}):
        store.extend("toy", raw | {"metric": raw["metric"] | metric})
        assert [row["trial"] for row in Results(store).best_rows("toy", 5)] == [1]
        status = snapshot(store.sweep("toy"), store.trials("toy"), store.milestones("toy"), 0.0)
        assert status.best == Leader(1, 1, 1.9375, final=True)
