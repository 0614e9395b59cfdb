"""What every searcher promises."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from service.policy import search
from service.policy.observation import Observation
from service.policy.search import Searcher
from service.spec import Space

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


@pytest.fixture(params=sorted(search.SEARCHERS))
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def space(algorithm: str) -> Space:
    return LISTED if algorithm == "grid" else SPACE


def make(algorithm: str, space: Space, seed: int = 0) -> Searcher:
    return search.create(algorithm, space, "maximize", seed)


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
        assert space.from_unit([0.5 if u is None else u for u in space.to_unit(config)]) == config
        assert config["fixed"] == 3
        if "optimizer" in config:
            assert ("momentum" in config) == (config["optimizer"] == "sgd")


def test_a_new_searcher_proposes_what_the_old_one_would_have(algorithm: str, space: Space) -> None:
    table = play(make(algorithm, space), space, 25)
    for cut in (0, 3, len(table) // 2, len(table) - 1):
        rebuilt = make(algorithm, space)
        assert rebuilt.propose(cut + 1, table[:cut]) == table[cut].config


def test_the_order_of_the_table_does_not_matter(algorithm: str, space: Space) -> None:
    table = play(make(algorithm, space), space, 25)
    shuffled = random.Random(1).sample(table, len(table))
    number = len(table) + 1
    assert make(algorithm, space).propose(number, shuffled) == make(algorithm, space).propose(number, table)


def test_the_seed_decides(algorithm: str, space: Space) -> None:
    if algorithm == "grid":
        pytest.skip("a grid has no chance in it")
    assert make(algorithm, space, 1).propose(1, []) == make(algorithm, space, 1).propose(1, [])
    assert make(algorithm, space, 1).propose(1, []) != make(algorithm, space, 2).propose(1, [])


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


def test_a_grid_ends_after_every_point() -> None:
    table = play(make("grid", LISTED), LISTED, 100)
    assert len(table) == 6
    assert len({tuple(o.config.items()) for o in table}) == 6


def test_hyperopt_learns_in_the_direction_of_the_goal() -> None:
    """On a quadratic, proposals after the start lie nearer to the optimum than draws do, for either goal."""
    space = Space.parse({"x": {"uniform": [0, 1]}, "y": {"uniform": [0, 1]}})

    def distance(config: Any) -> float:
        return float((config["x"] - 0.2) ** 2 + (config["y"] - 0.7) ** 2)

    for goal, sign in (("minimize", 1.0), ("maximize", -1.0)):
        searcher = search.create("hyperopt", space, goal, 0)
        table: list[Observation] = []
        for number in range(1, 61):
            config = searcher.propose(number, table)
            assert config is not None
            table.append(Observation(number, config, "FINISHED", {0: sign * distance(config)}))
        start = sum(distance(o.config) for o in table[:9]) / 9
        late = sum(distance(o.config) for o in table[40:]) / 20
        assert late < start / 3
