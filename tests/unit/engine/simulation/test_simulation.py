"""The simulation's virtual clock, its workers and their mishaps."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from service.engine.curves import Measurement
from service.engine.curves.function import Computed
from service.engine.simulation.event_loop import CURVE_ENDS
from service.engine.simulation.options import SimulationOptions
from service.engine.simulation.outcome import Simulation
from service.engine.simulation.simulate import simulate
from service.ledger.records import ReportRecord
from service.policy.search.random_draw import draw
from service.spec.errors import UserError
from tests.unit.engine.conftest import CURVES, curve, grid, spec_of


def clock(simulation: Simulation) -> list[tuple[int, int, int, float]]:
    """(trial, stage, epoch, virtual time) of each report in order."""
    return [(r.trial, r.stage, r.epoch, r.time) for r in simulation.reports]


def test_two_workers_on_a_clock_computed_by_hand() -> None:
    """Epochs take x/2, x, x seconds: trial 3 gets the worker of trial 1 after 2.5 s."""
    simulation = simulate(grid(1.0, 2.0, 4.0, resources={"gpu": 0.5}), CURVES, SimulationOptions(workers=2))
    assert clock(simulation) == [
        (1, 0, 1, 0.5),
        (2, 0, 1, 1.0),
        (1, 1, 2, 1.5),
        (1, 1, 3, 2.5),
        (2, 1, 2, 3.0),
        (3, 0, 1, 4.5),
        (2, 1, 3, 5.0),
        (3, 1, 2, 8.5),
        (3, 1, 3, 12.5),
    ]
    last = simulation.trials[-1]
    assert (last.state, last.stage, last.started, last.finished) == ("FINISHED", 1, 2.5, 12.5)
    assert (last.seconds, last.gpu_seconds) == (10.0, 5.0)
    assert simulation.reports[-1] == ReportRecord(3, 1, 3, 1.0, 2.5, {"score": 3.5}, 12.5, True, 4.0)
    assert (simulation.seconds, simulation.ending.state) == (12.5, "SUCCEEDED")


def test_random_and_fifo_as_an_oracle_computes_them() -> None:
    spec = spec_of()
    free, expected = [0.0] * 3, []
    for number in range(1, 13):
        [x] = draw(spec.space, 3, number)
        x = 1.0 + 3.0 * x
        start = heapq.heappop(free)
        times = [start + x * work for work in (0.5, 1.5, 2.5)]
        expected += [(number, epoch, pytest.approx(time)) for epoch, time in enumerate(times, start=1)]
        heapq.heappush(free, times[-1])
    simulation = simulate(spec, CURVES, SimulationOptions(workers=3))
    assert sorted((r.trial, r.epoch, r.time) for r in simulation.reports) == expected
    assert [r.time for r in simulation.reports] == sorted(r.time for r in simulation.reports)


@pytest.mark.parametrize("schedule", ["promote", "asha"])
def test_every_trial_comes_to_one_end_and_some_climb_every_stage(schedule: str) -> None:
    simulation = simulate(
        spec_of(schedule, search={"algorithm": "sobol", "trials": 40}), CURVES, SimulationOptions(workers=4)
    )
    ends = Counter(trial.state for trial in simulation.trials)
    assert set(ends) == {"FINISHED", "STOPPED"}
    assert ends.total() == 40
    assert ends["FINISHED"] < ends["STOPPED"]
    keys = [(d.trial, d.stage, d.verdict) for d in simulation.decisions]
    assert len(set(keys)) == len(keys)
    assert all(d.reason for d in simulation.decisions)


@pytest.mark.parametrize("schedule", ["fifo", "asha", "hyperband", "promote"])
@pytest.mark.parametrize("searcher", ["random", "sobol", "grid", "hyperopt", "bayesopt", "auto"])
def test_every_searcher_works_with_every_scheduler(searcher: str, schedule: str) -> None:
    """Whatever is stopped, some trial gets to the end, and every verdict has its reason."""
    spec = spec_of(
        schedule,
        parameters={"x": {"grid_search" if searcher == "grid" else "choice": [1.0, 2.0, 3.0, 4.0]}}
        | {"y": {"grid_search": [1, 2, 3]} if searcher == "grid" else {"loguniform": [1e-3, 1.0]}},
        search={"algorithm": searcher, "seed": 3} | ({} if searcher == "grid" else {"trials": 12}),
    )
    simulation = simulate(spec, CURVES, SimulationOptions(workers=3))
    states = [trial.state for trial in simulation.trials]
    assert (simulation.ending.state, len(states)) == ("SUCCEEDED", 12)
    assert "FINISHED" in states
    assert set(states) <= ({"FINISHED"} if schedule == "fifo" else {"FINISHED", "STOPPED"})
    assert all(decision.reason for decision in simulation.decisions)


def test_a_paused_trial_frees_its_worker_and_resumes_for_nothing() -> None:
    simulation = simulate(
        spec_of("promote", search={"trials": 40, "algorithm": "random"}), CURVES, SimulationOptions(workers=1)
    )
    waited = [d.trial for d in simulation.decisions if d.verdict == "promote"]
    assert waited
    for trial in waited:
        first, second, *_ = [r for r in simulation.reports if r.trial == trial]
        between = [r for r in simulation.reports if first.time < r.time <= second.time]
        assert second.time - first.time == pytest.approx(sum(r.seconds for r in between))


@pytest.mark.parametrize(
    ("options", "changes", "why", "seconds"),
    [
        ({"budget_seconds": 4.4}, {}, "4.4 of 4.4 seconds; with a larger budget.time", 4.4),
        ({"budget_seconds": 4.5}, {"budget": {"time": 1}}, "4.5 of 4.5 seconds", 4.5),
        ({}, {"budget": {"epochs": 3}}, "3 of 3 full-data", 2.5),
        ({}, {"budget": {"gpu_hours": 3 / 3600}, "resources": {"gpu": 0.5}}, "of 0.000833333 GPU hours", 4.5),
        ({}, {"metric": {"name": "score", "goal": "maximize", "target": 1.75}}, "target 1.75 reached: trial 2", 5.0),
    ],
)
def test_budgets_and_target_end_a_sweep_as_a_real_one(options: Any, changes: Any, why: str, seconds: float) -> None:
    simulation = simulate(grid(1.0, 2.0, 4.0, **changes), CURVES, SimulationOptions(workers=2, **options))
    assert why in simulation.ending.why
    assert simulation.seconds == seconds
    assert all(r.time <= seconds for r in simulation.reports)
    running = [t for t in simulation.trials if t.state == "STOPPED"]
    assert running
    assert all(t.why == f"the sweep ended: {simulation.ending.why}" for t in running)


def test_an_epoch_at_the_very_end_of_the_budget_still_happens() -> None:
    assert (
        simulate(grid(1.0, 2.0, 4.0), CURVES, SimulationOptions(workers=2, budget_seconds=4.5)).reports[-1].time == 4.5
    )


def test_trials_can_be_more_or_fewer_than_the_spec_says() -> None:
    assert len(simulate(spec_of(), CURVES, SimulationOptions(trials=5)).trials) == 5
    assert len(simulate(spec_of(budget={"trials": 7}), CURVES, SimulationOptions(trials=50)).trials) == 7


def test_a_crash_costs_its_epoch_and_a_trial_has_so_many_lives() -> None:
    """One worker, two trials, three lives each, an epoch of 1 s: re-offered trials come before new ones."""
    spec = grid(2.0, 2.0 + 1e-9, retries=2)
    simulation = simulate(spec, CURVES, SimulationOptions(workers=1, crash_rate=1.0))
    assert [t.state for t in simulation.trials] == ["FAILED", "FAILED"]
    assert [t.finished for t in simulation.trials] == [pytest.approx(3.0), pytest.approx(6.0)]
    assert [t.attempt for t in simulation.trials] == [2, 2]
    assert (simulation.reports, simulation.ending.state) == ([], "FAILED")


def test_a_trial_that_crashed_goes_on_after_its_last_report() -> None:
    simulation = simulate(spec_of(retries=1000), CURVES, SimulationOptions(workers=3, crash_rate=0.4))
    assert all(t.state == "FINISHED" for t in simulation.trials)
    assert sum(t.attempt for t in simulation.trials) > 5
    for trial in simulation.trials:
        assert [r.epoch for r in simulation.reports if r.trial == trial.number] == [1, 2, 3]
        assert trial.seconds == pytest.approx(2.5 * trial.config["x"]), "what was lost is in no report"
        assert trial.finished is not None
        assert trial.started is not None
        lost = trial.finished - trial.started - trial.seconds
        assert (lost > 0.1) == (trial.attempt > 0)


class Sparse:
    """Curves of which only the ends of stages are recorded; every epoch takes a second."""

    configs = None
    notes = ()

    def __init__(self) -> None:
        self.asked: list[int] = []

    def epoch(self, config: Any, stage: Any, epoch: int) -> Measurement:
        self.asked.append(epoch)
        return Measurement({"score": 1.0} if epoch in (1, 3) else {}, 1.0)


def test_a_crash_loses_all_that_was_not_reported() -> None:
    curves = Sparse()
    simulation = simulate(spec_of(retries=1000), curves, SimulationOptions(workers=1, crash_rate=0.5))
    assert sum(trial.attempt for trial in simulation.trials) > 10
    assert all(before == 2 for before, epoch in pairwise(curves.asked) if epoch == 3)
    assert [(r.epoch, r.seconds) for r in simulation.reports] == [(1, 1.0), (3, 2.0)] * 12


def test_stragglers_are_slow_by_one_factor_per_leg() -> None:
    simulation = simulate(
        spec_of(search={"trials": 200, "algorithm": "random"}), CURVES, SimulationOptions(stragglers=0.5)
    )
    factors = []
    for trial in simulation.trials:
        own = [r.seconds / (r.data * trial.config["x"]) for r in simulation.reports if r.trial == trial.number]
        assert own == [pytest.approx(own[0])] * 3
        factors.append(own[0])
    assert min(factors) >= 1
    assert sum(factors) / len(factors) == pytest.approx(1 + 0.5 * math.sqrt(2 / math.pi), abs=0.05)


def test_the_same_seed_is_the_same_simulation() -> None:
    noisy = SimulationOptions(crash_rate=0.2, stragglers=1.0)
    first, again = (simulate(spec_of("promote"), CURVES, noisy) for _ in range(2))
    other = simulate(spec_of("promote"), CURVES, SimulationOptions(crash_rate=0.2, stragglers=1.0, seed=4))
    assert (first.trials, first.reports, first.decisions) == (again.trials, again.reports, again.decisions)
    assert first.reports != other.reports
    assert other.spec.search.seed == 4


def test_decisions_take_time_only_when_charged() -> None:
    free, charged = (
        simulate(spec_of(), CURVES, SimulationOptions(charge_decisions=charge)) for charge in (False, True)
    )
    assert charged.seconds > free.seconds
    assert len(free.latencies["next"]) >= 12
    assert len(free.latencies["judge"]) == 36


def test_a_value_that_is_no_number_is_a_report_that_stops() -> None:
    diverges = Computed(lambda config, data, epoch: (math.nan, 1.0), "score", "diverges")
    simulation = simulate(spec_of(), diverges)
    assert [t.state for t in simulation.trials] == ["STOPPED"] * 12
    assert "not a number" in simulation.trials[0].why
    assert len(simulation.reports) == 12


class Short:
    """Curves that end after two epochs for a large `x`; the epochs before an end are not recorded."""

    configs = None
    notes = ()

    def epoch(self, config: Any, stage: Any, epoch: int) -> Measurement | None:
        if epoch == 2 and config["x"] > 3:
            return None
        value, seconds = curve(config, stage.data, epoch)
        return Measurement({} if epoch == 2 else {"score": value}, seconds)


def test_a_trial_whose_curve_ends_is_stopped_and_epochs_without_a_report_take_their_time() -> None:
    simulation = simulate(grid(2.0, 4.0), Short(), SimulationOptions(workers=1))
    assert [(t.state, t.why) for t in simulation.trials][1] == ("STOPPED", CURVE_ENDS)
    assert simulation.exhausted == 1
    assert [(r.trial, r.epoch, r.time, r.seconds) for r in simulation.reports] == [
        (1, 1, 1.0, 1.0),
        (1, 3, 5.0, 4.0),
        (2, 1, 7.0, 2.0),
    ]


ROUNDS = {"search": {"algorithm": "random", "trials": 30, "seed": 3}, "rounds": {"count": 2, "keep": 0.3, "trials": 9}}


def test_a_second_round_goes_on_in_the_narrowed_space() -> None:
    simulation = simulate(spec_of(**ROUNDS), CURVES, SimulationOptions(workers=3))
    assert [t.number for t in simulation.trials] == list(range(1, 40))
    assert Counter(t.round for t in simulation.trials) == {0: 30, 1: 9}
    [space] = simulation.spaces
    low, high = space.parameters["x"]["uniform"]
    assert low > 1.5
    assert all(low <= t.config["x"] <= high for t in simulation.trials if t.round == 1)
    assert space.time == max(r.time for r in simulation.reports if r.trial <= 30)
    assert [r.time for r in simulation.reports] == sorted(r.time for r in simulation.reports)
    assert {d.trial for d in simulation.decisions} == set(range(1, 40))


def test_budgets_are_those_of_all_rounds() -> None:
    whole = simulate(spec_of(**ROUNDS), CURVES, SimulationOptions(workers=3))
    cut = simulate(spec_of(**ROUNDS), CURVES, SimulationOptions(workers=3, budget_seconds=whole.seconds - 1))
    assert cut.ending.state == "STOPPED"
    assert {t.round for t in cut.trials} == {0, 1}
    assert len(simulate(spec_of(**ROUNDS, budget={"trials": 30}), CURVES).trials) == 30
    assert len(simulate(spec_of(**ROUNDS, budget={"trials": 33}), CURVES).trials) == 33


def test_time_that_stands_still_never_uses_a_budget_up() -> None:
    still = Computed(lambda config, data, epoch: (0.5, 0.0), "score", "still")
    with pytest.raises(UserError, match="no time at all"):
        simulate(spec_of(), still, SimulationOptions(budget_seconds=1, trials=1_000_000))


WRONG: list[dict[str, Any]] = [
    *({"workers": value} for value in (0, 2.5, "4", True)),
    *({"crash_rate": value} for value in (1.5, "x")),
    *({"stragglers": value} for value in (-1.0, float("inf"))),
    {"charge_decisions": "no"},
    {"worker": 3},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"give|did you mean 'workers'"):
        SimulationOptions.of(wrong)


@pytest.mark.parametrize("searcher", ["random", "bayesopt"])
def test_a_space_that_is_used_up_ends_the_search_and_is_said(searcher: str) -> None:
    spec = spec_of(parameters={"x": {"choice": [1.0, 2.0, 3.0]}}, search={"algorithm": searcher, "trials": 20})
    ending = simulate(spec, CURVES, SimulationOptions(workers=2)).ending
    assert ending.why == "3 trials, 3 climbed every stage; the search has no other config to try"
