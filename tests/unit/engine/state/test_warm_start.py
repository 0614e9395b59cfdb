"""Warm starts: what is copied of past sweeps, what is refused, and that nothing else matters later."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from service.engine.control.sweep import remove
from service.engine.simulation.options import SimulationOptions
from service.engine.simulation.simulate import simulate
from service.engine.simulation.submit_simulated import SimulatedSubmission, submit
from service.engine.state.rounds import spec_of_round
from service.engine.state.warm_start import earlier, snapshot, taught
from service.ledger import Store
from service.ledger.home import open_store
from service.ledger.records import Batch, ReportRecord, SweepRecord, TrialRecord
from service.policy.observation import Observation
from service.policy.search.random_draw import draw
from service.policy.search.warm_start.past import SAME, Past
from service.spec.errors import UserError
from tests.unit.engine.conftest import CURVES, curve, spec_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """With a simulated sweep ``old``, whose best trials have the largest `x`."""
    submit(SimulatedSubmission(spec_of(name="old").to_dict(), curve), SimulationOptions(workers=1), tmp_path)
    return open_store(tmp_path)


def warm(**changes: Any) -> Any:
    search = {"algorithm": "hyperopt", "trials": 12, "warm_start": ["old"]}
    return spec_of(**{"name": "new", "search": search, **changes})


def test_a_past_sweep_is_copied_with_its_values(store: Store) -> None:
    [record] = snapshot(warm(), store)
    assert (record.name, record.plan, len(record.trials)) == ("old", 0, 12)
    first = record.trials[0]
    assert first.values == {0: pytest.approx(first.config["x"] * 0.5), 1: pytest.approx(first.config["x"] * 0.875)}
    [past] = taught(warm(), [record])
    assert (past.name, past.goal) == ("old", "maximize")
    assert past.observations[0] == Observation(1, first.config, "FINISHED", first.values)


def test_what_was_copied_stays_when_the_past_is_gone(store: Store, tmp_path: Path) -> None:
    spec = warm()
    copied = snapshot(spec, store)
    store.add(SweepRecord("new", spec.to_dict(), "/project", "ada", "QUEUED", 0.0), copied)
    remove("old", tmp_path)
    assert store.pasts("new") == copied
    again = simulate(spec, CURVES, SimulationOptions(workers=1), pasts=taught(spec, store.pasts("new")))
    assert again.trials == simulate(spec, CURVES, SimulationOptions(workers=1), pasts=taught(spec, copied)).trials
    store.remove("new", lambda sweep: False)
    assert "new" not in [sweep.name for sweep in store.sweeps()]


def test_a_value_that_is_no_number_survives_the_copy(store: Store) -> None:
    spec = warm()
    [record] = snapshot(spec, store)
    record.trials[0].values[1] = None
    store.add(SweepRecord("new", spec.to_dict(), "/project", "ada", "QUEUED", 0.0), [record])
    [past] = taught(spec, store.pasts("new"))
    assert math.isnan(past.observations[0].values[1])


def test_a_simulated_warm_start_begins_with_the_best_of_the_past(store: Store, tmp_path: Path) -> None:
    simulation = submit(SimulatedSubmission(warm().to_dict(), curve), SimulationOptions(workers=1), tmp_path)
    best = sorted((trial.config["x"] for trial in store.trials("old")), reverse=True)
    assert [trial.origin for trial in simulation.trials[:4]] == ["warm:old"] * 3 + ["hyperopt"]
    assert simulation.trials[0].config["x"] == pytest.approx(best[0])
    cold = simulate(warm(search={"algorithm": "hyperopt", "trials": 12}), CURVES, SimulationOptions(workers=1))
    means = [sum(trial.config["x"] for trial in one.trials) / 12 for one in (simulation, cold)]
    assert means[0] > means[1] + 0.3


def test_another_goal_reads_the_same_values_the_other_way(store: Store) -> None:
    spec = warm(metric={"name": "score", "goal": "minimize"})
    simulation = simulate(spec, CURVES, SimulationOptions(workers=1), pasts=taught(spec, snapshot(spec, store)))
    assert simulation.trials[0].config["x"] == pytest.approx(min(t.config["x"] for t in store.trials("old")))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"parameters": {"y": {"uniform": [0, 1]}}},
            "sweep old has no parameter in common with this one: it searches x, this one y; give what is the same",
        ),
        ({"parameters": {"x": {"uniform": [50, 60]}}}, "no config of sweep old lies in this space, by x; widen"),
        ({"metric": {"name": "scor", "goal": "maximize"}}, "reports no scor .did you mean 'score'.., only score; set"),
        ({"search": {"warm_start": ["odl"]}}, "there is no sweep 'odl' .did you mean 'old'"),
        ({"search": {"warm_start": ["empty"]}}, "no trial of sweep empty has ended a stage yet; wait for it"),
    ],
)
def test_a_warm_start_from_nothing_is_refused(store: Store, changes: Any, says: str) -> None:
    store.create("empty", spec_of(name="empty").to_dict(), "/project", "ada", None)
    with pytest.raises(UserError, match=says):
        snapshot(warm(**changes), store)


def test_another_metric_will_do_where_the_past_reports_it(tmp_path: Path) -> None:
    store = open_store(tmp_path, create=True)
    store.create("old", spec_of(name="old").to_dict(), "/project", "ada", None)
    store.claim("old", "host:1:0", lambda sweep: False)
    report = ReportRecord(1, 0, 1, 0.5, 0.5, {"score": 0.9, "loss": 0.1}, 1.0, True, 1.0)
    store.append("old", 1, Batch([TrialRecord(1, {"x": 2.0}, "STOPPED")], [report]))
    [record] = snapshot(warm(metric={"name": "loss", "goal": "minimize"}), store)
    assert record.trials[0].values == {0: 0.1}


def test_plans_of_a_past_are_kept_apart_the_newest_first(tmp_path: Path) -> None:
    rounds = {"count": 3, "trials": 3, "stages": [[{"data": 1.0, "epochs": 1}]]}
    submit(
        SimulatedSubmission(spec_of(name="old", rounds=rounds).to_dict(), curve), SimulationOptions(workers=1), tmp_path
    )
    records = snapshot(warm(), open_store(tmp_path))
    assert [(record.plan, len(record.trials)) for record in records] == [(1, 6), (0, 12)]


def test_earlier_rounds_teach_the_later_ones() -> None:
    """Rounds with the same stages are one past."""
    told = [Observation(n, {"x": 1.0}, "FINISHED", {0: 1.0}) for n in range(1, 4)]
    stages = [[{"data": 1.0, "epochs": 1}]]
    lessons = earlier(spec_of(rounds={"count": 4, "stages": stages}), {0: told[:1], 1: told[1:2], 2: told[2:]})
    assert lessons == [
        Past("rounds of plan 0", told[:1], "maximize", SAME),
        Past("rounds of plan 1", told[1:], "maximize", SAME),
    ]


def test_a_second_round_does_not_begin_at_random() -> None:
    search = {"algorithm": "hyperopt", "trials": 12, "seed": 3}
    spec = spec_of(search=search, rounds={"count": 2})
    simulation = simulate(spec, CURVES, SimulationOptions(workers=1))
    drawn = [0, 0]
    for round in (0, 1):
        there = spec_of_round(spec, round, simulation.spaces, 12 * round)
        for number in range(1, 9):
            point = draw(there.space, there.search.seed, number)
            drawn[round] += simulation.trials[12 * round + number - 1].config == there.space.from_unit(point)
    assert drawn[0] == 8
    assert drawn[1] < 5, "a third of all proposals"


def test_a_later_round_does_not_begin_with_a_warm_start_again() -> None:
    assert warm(rounds={"count": 2}).at(0).search.warm_start == ("old",)
    assert warm(rounds={"count": 2}).at(1).search.warm_start == ()
