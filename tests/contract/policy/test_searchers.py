"""What every searcher promises."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ray import tune
from ray.tune.search.hyperopt import HyperOptSearch

from service.policy import search
from service.policy.observation import Observation
from service.policy.search import Searcher
from service.spec import Space, Spec, load
from service.spec.errors import UserError
from tests.contract.policy.play import Play

SPACE = Space.parse(
    {
        "lr": {"loguniform": [1e-4, 1.0]},
        "layers": {"randint": [1, 5]},
        "optimizer": {"choice": ["sgd", "adam"]},
        "momentum": {"uniform": [0.0, 0.99], "when": {"optimizer": ["sgd"]}},
        "fixed": 3,
    }
)
LISTED = Space.parse({"a": {"choice": [1, 2, 3]}, "b": {"grid_search": ["x", "y"]}, "fixed": 3})


class Own(tune.search.Searcher):
    """A searcher as a user writes one: without a seed, it draws near the best that it has been told."""

    def __init__(self, space: dict[str, Any], metric: str, mode: str) -> None:
        super().__init__(metric, mode)
        self.space, self.sign = space, 1.0 if mode == "max" else -1.0
        self.suggested: dict[str, Any] = {}
        self.best: tuple[float, Any] = (-math.inf, None)

    def suggest(self, trial_id: str) -> dict[str, Any]:
        drawn = {name: domain.sample() for name, domain in self.space.items()}
        if self.best[1] is not None and random.random() < 0.5:
            drawn = self.best[1] | dict([random.choice(list(drawn.items()))])
        self.suggested[trial_id] = drawn
        return drawn

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self.learn(trial_id, result)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if result is not None:
            self.learn(trial_id, result)
        del self.suggested[trial_id]

    def learn(self, trial_id: str, result: dict[str, Any]) -> None:
        self.best = max(self.best, (self.sign * result[self.metric], self.suggested[trial_id]), key=lambda b: b[0])


FOREIGN = {"tests.contract.policy.test_searchers:Own": Own, "ray.tune.search.hyperopt:HyperOptSearch": HyperOptSearch}
ALGORITHMS = [*sorted(search.SEARCHERS), *FOREIGN]


@pytest.fixture(params=ALGORITHMS)
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def space(algorithm: str) -> Space:
    return LISTED if algorithm == "grid" else SPACE


def make(algorithm: str, space: Space, seed: int = 0, goal: str = "maximize") -> Searcher:
    return search.create(spec_of(algorithm, space, seed, goal), FOREIGN.get(algorithm))


def spec_of(algorithm: str, space: Space, seed: int = 0, goal: str = "maximize") -> Spec:
    return load(
        {
            "name": "a",
            "task": "toy:curve",
            "metric": {"name": "score", "goal": goal},
            "parameters": space.raw(),
            "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 1}],
            "search": {"algorithm": algorithm, "seed": seed},
        }
    )


def play(searcher: Searcher, space: Space, trials: int, seed: int = 0) -> list[Observation]:
    """A sweep in which things happen to trials as they do: stopped, finished, failed, not a number, still running."""
    fate = random.Random(seed)
    table: list[Observation] = []
    for number in range(1, trials + 1):
        config = searcher.propose(number, table)
        if config is None:
            break
        state, values = fate.choice(
            [
                ("STOPPED", {0: fate.random()}),
                ("FINISHED", {0: fate.random(), 1: fate.random()}),
                ("FAILED", {}),
                ("STOPPED", {0: math.nan}),
                ("RUNNING", {}),
            ]
        )
        table.append(Observation(number, config, state, values))
    return table


def test_proposals_lie_in_the_space(algorithm: str, space: Space) -> None:
    for observation in play(make(algorithm, space), space, 40):
        config = observation.config
        again = space.from_unit([0.5 if u is None else u for u in space.to_unit(config)])
        assert again == {
            name: value if isinstance(value, str) else pytest.approx(value, rel=1e-9) for name, value in config.items()
        }
        assert config["fixed"] == 3
        if "optimizer" in config:
            assert ("momentum" in config) == (config["optimizer"] == "sgd")


def test_a_new_searcher_proposes_what_the_old_one_would_have(algorithm: str, space: Space) -> None:
    table = play(make(algorithm, space), space, 25)
    for cut in (0, 3, len(table) // 2, len(table) - 1):
        rebuilt = make(algorithm, space)
        random.random(), np.random.random()
        assert rebuilt.propose(cut + 1, table[:cut]) == table[cut].config


def test_the_order_of_the_table_does_not_matter(algorithm: str, space: Space) -> None:
    table = play(make(algorithm, space), space, 25)
    shuffled = random.Random(1).sample(table, len(table))
    number = len(table) + 1
    assert make(algorithm, space).propose(number, shuffled) == make(algorithm, space).propose(number, table)


def test_the_seed_decides(algorithm: str, space: Space) -> None:
    if algorithm == "grid":
        pytest.skip("a grid has no chance in it")
    one, same, other = (play(make(algorithm, space, seed), space, 4) for seed in (1, 1, 2))
    assert one == same
    assert [o.config for o in one] != [o.config for o in other]


@pytest.mark.parametrize("values", [{}, {0: math.nan}, {0: math.inf}], ids=["failed", "nan", "inf"])
def test_a_history_of_failures_is_no_obstacle(algorithm: str, space: Space, values: dict[int, float]) -> None:
    searcher = make(algorithm, space)
    table: list[Observation] = []
    for number in range(1, 30):
        config = searcher.propose(number, table)
        if config is None:
            assert algorithm == "grid"
            break
        table.append(Observation(number, config, "FAILED" if not values else "STOPPED", values))


@pytest.mark.parametrize("broken", range(1, 25))
def test_numbers_that_come_after_many_failures_are_learned_from(algorithm: str, space: Space, broken: int) -> None:
    """However many values were no numbers before the first that is one."""
    searcher = make(algorithm, space)
    table: list[Observation] = []
    for number in range(1, broken + 7):
        config = searcher.propose(number, table)
        if config is None:
            assert algorithm == "grid"
            break
        value = math.nan if number <= broken else float(number)
        table.append(Observation(number, config, "STOPPED", {0: value}, {0: 1.0}, {0: number}))


SMALL = Space.parse(
    {
        "kind": {"choice": ["a", "b", "c"]},
        "depth": {"randint": [1, 4], "when": {"kind": ["b", "c"]}},
        "wide": {"choice": [True, False]},
        "fixed": 3,
    }
)


def test_nothing_is_proposed_twice_and_a_small_space_ends(algorithm: str) -> None:
    """It has 14 configs; whatever became of a trial, nobody trains its config again."""
    table = play(make(algorithm, SMALL), SMALL, 40)
    configs = [repr(sorted(o.config.items())) for o in table]
    assert len(set(configs)) == len(configs) == 14
    for cut in (5, 9, 13, 14):
        again = make(algorithm, SMALL).propose(cut + 1, table[:cut])
        assert again == (table[cut].config if cut < 14 else None)


def test_what_has_one_config_beside_endless_ones_is_tried_once(algorithm: str, space: Space) -> None:
    if algorithm == "grid":
        pytest.skip("a grid has no endless part")
    space = Space.parse(
        {"kind": {"choice": ["plain", "deep"]}, "x": {"uniform": [0, 1], "when": {"kind": ["deep"]}}, "fixed": 3}
    )
    table = play(make(algorithm, space), space, 30)
    assert len(table) == 30
    assert sum(o.config["kind"] == "plain" for o in table) <= 1


@pytest.mark.parametrize("given", [2, 3])
def test_points_of_the_users_are_trained_once(algorithm: str, space: Space, given: int) -> None:
    """The same point given twice, and a searcher that would propose it as well."""
    raw = spec_of(algorithm, SMALL).to_dict()
    raw["search"] |= {"trials": 40, "initial": [{"kind": "a", "wide": True}] * given}
    raw["schedule"] = {"algorithm": "fifo"}
    whole = Play(load(raw), lambda trial, stage: float(trial), workers=2, foreign=FOREIGN.get(algorithm)).run()
    configs = [repr(sorted(event.numbers.items())) for event in whole.log if event.kind == "begin"]
    assert len(set(configs)) == len(configs) == 14
    half = replace(whole, log=[], trials={}, over=False).run(20).rebuilt().run()
    assert half.log == whole.log


def test_a_grid_ends_after_every_point() -> None:
    table = play(make("grid", LISTED), LISTED, 100)
    assert len(table) == 6
    assert len({tuple(o.config.items()) for o in table}) == 6


def test_hyperopt_learns_in_the_direction_of_the_goal() -> None:
    """On a quadratic most proposals after the start lie nearer to the optimum than draws do, for either goal."""
    space = Space.parse({"x": {"uniform": [0, 1]}, "y": {"uniform": [0, 1]}})

    def distance(config: Any) -> float:
        return float((config["x"] - 0.2) ** 2 + (config["y"] - 0.7) ** 2)

    for goal, sign in (("minimize", 1.0), ("maximize", -1.0)):
        searcher = make("hyperopt", space, goal=goal)
        table: list[Observation] = []
        for number in range(1, 61):
            config = searcher.propose(number, table)
            assert config is not None
            table.append(Observation(number, config, "FINISHED", {0: sign * distance(config)}))
        start = sum(distance(o.config) for o in table[:9]) / 9
        late = sorted(distance(o.config) for o in table[40:])[10]
        assert late < start / 3


@pytest.mark.parametrize("foreign", FOREIGN.values())
@pytest.mark.parametrize("algorithm", ["asha", "promote", "hyperband"])
@pytest.mark.parametrize(("workers", "failures"), [(1, 0.15), (4, 0.0)])
def test_a_searcher_of_the_users_own_goes_on_as_before(
    algorithm: str, foreign: type, workers: int, failures: float
) -> None:
    """Whatever ran beside what when the head died: the trials that follow have the same configs."""
    name = next(name for name, kind in FOREIGN.items() if kind is foreign)
    raw = spec_of(name, SPACE).to_dict() | {"schedule": {"algorithm": algorithm, "reduction_factor": 3}}
    raw["search"]["trials"] = 30
    play = Play(load(raw), lambda trial, stage: trial + 10.0 * stage, 0, workers, failures, foreign)
    whole = replace(play, log=[], trials={}).run()
    for cut in (20, 50, len(whole.log) - 10):
        again = replace(play, log=[], trials={}).run(cut).rebuilt().run()
        assert again.log == whole.log


def test_a_searcher_of_the_users_own_learns_from_what_waits_too() -> None:
    """Most trials never finish: it is told of all that came to an end of a stage."""
    told: list[str] = []

    class Listening(Own):
        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            told.append(f"{trial_id} {result and result['score']} {error}")

    space = Space.parse({"x": {"uniform": [0, 1]}})
    searcher = search.create(spec_of("x:Listening", space), Listening)
    table = [
        Observation(1, {"x": 0.1}, "PAUSED", {0: 0.5}, order={0: 0}, begun={0: 3}, verdicts={0: "pause"}),
        Observation(2, {"x": 0.2}, "RUNNING", {0: 0.6}, order={0: 1}, begun={0: 3}, verdicts={0: "continue"}),
        Observation(3, {"x": 0.3}, "FAILED"),
    ]
    for number in (1, 2, 3):
        searcher.propose(number, [Observation(o.trial, o.config, "RUNNING") for o in table[: number - 1]])
    searcher.propose(4, table)
    assert told == ["1 0.5 False", "3 None True"]


@pytest.mark.parametrize(
    ("methods", "says"),
    [
        ({"__init__": lambda self, points: None}, "cannot be made: TypeError: .*points"),
        ({"suggest": lambda self, trial_id: 1 / 0}, "fails to suggest: ZeroDivisionError"),
        ({"suggest": lambda self, trial_id: {"y": 1}}, "suggests a config without x"),
        (
            {"suggest": lambda self, trial_id: {"x": "seven"}},
            "suggests what the space does not hold: x: 'seven' is outside the space",
        ),
    ],
)
def test_a_searcher_of_the_users_own_that_fails_is_named(methods: dict[str, Any], says: str) -> None:
    space = Space.parse({"x": {"uniform": [0, 1]}})
    broken = type("Broken", (tune.search.Searcher,), {"suggest": lambda self, trial_id: {"x": 0.5}, **methods})
    with pytest.raises(UserError, match=f"mine:Broken {says}"):
        search.create(spec_of("mine:Broken", space), broken).propose(1, [])


STEPS = {
    "width": {"qrandint": [1, 10, 3]},  # which holds 3, 6 and 9: HyperOptSearch suggests 0 as well
    "rate": {"qloguniform": [0.1, 1.0, 0.1]},
    "x": {"uniform": [0.1, 0.9]},
}


@pytest.mark.parametrize("workers", [1, 3])
def test_what_a_searcher_of_the_users_own_rounds_out_of_the_space_is_snapped_into_it(workers: int) -> None:
    name = "ray.tune.search.hyperopt:HyperOptSearch"
    raw = spec_of(name, Space.parse(STEPS)).to_dict()
    raw["search"]["trials"] = 40
    whole = Play(
        load(raw), lambda trial, stage: trial % 7 + 10.0 * stage, workers=workers, foreign=HyperOptSearch
    ).run()
    widths = {event.numbers["width"] for event in whole.log if event.kind == "begin"}
    assert widths == {3, 6, 9}
    assert replace(whole, log=[], trials={}, over=False).run(30).rebuilt().run().log == whole.log


@pytest.mark.parametrize(
    ("suggested", "trained"),
    [
        ({"width": 0, "rate": 0.0, "x": -1.0}, {"width": 3, "rate": 0.1, "x": 0.1}),
        ({"width": 100, "rate": 0.34, "x": 7.0}, {"width": 9, "rate": 0.3, "x": 0.9}),
        ({"width": 6.0, "rate": 0.30000000000000004, "x": 0.5}, {"width": 6, "rate": 0.3, "x": 0.5}),
    ],
)
def test_a_number_outside_the_space_is_the_nearest_one_inside(suggested: Any, trained: Any) -> None:
    kind = type("Far", (tune.search.Searcher,), {"suggest": lambda self, trial_id: suggested})
    assert search.create(spec_of("mine:Far", Space.parse(STEPS)), kind).propose(1, []) == trained


def test_a_suggestion_that_cannot_be_trained_is_refused_and_another_one_asked_for() -> None:
    answers = iter([{"x": "high"}, {}, {"x": math.nan}, {"x": 0.5}])
    kind = type("Moody", (tune.search.Searcher,), {"suggest": lambda self, trial_id: next(answers)})
    assert search.create(spec_of("mine:Moody", Space.parse({"x": {"uniform": [0, 1]}})), kind).propose(1, []) == {
        "x": 0.5
    }


@pytest.mark.parametrize("kind", [Space, spec_of])
def test_what_is_no_searcher_is_refused(kind: Any) -> None:
    with pytest.raises(UserError, match=r"mine:Thing is a .*; name a subclass of ray.tune.search.Searcher"):
        search.create(spec_of("mine:Thing", SPACE), kind)


def test_a_searcher_may_wait_or_end() -> None:
    answers = iter([None, {"x": 0.5}, "FINISHED"])
    waiting = type("Waiting", (tune.search.Searcher,), {"suggest": lambda self, trial_id: next(answers)})
    searcher = search.create(spec_of("mine:Waiting", Space.parse({"x": {"uniform": [0, 1]}})), waiting)
    with pytest.raises(search.NotYet):
        searcher.propose(1, [])
    assert searcher.propose(1, []) == {"x": 0.5}
    assert searcher.propose(2, [Observation(1, {"x": 0.5}, "RUNNING")]) is None
