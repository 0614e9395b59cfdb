"""TPE: what it takes for good, what it is shown, and what is still running."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from service.policy import search
from service.policy.observation import Observation
from service.policy.search import tpe
from service.policy.search.model.standing import standing
from service.spec import Spec, load

SQUARE = {"x": {"uniform": [0, 1]}, "y": {"uniform": [0, 1]}}


def spec_of(parameters: Mapping[str, Any] = SQUARE) -> Spec:
    return load(
        {
            "name": "a",
            "task": "toy:curve",
            "metric": {"name": "loss", "goal": "minimize"},
            "parameters": parameters,
            "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 1}],
            "search": {"algorithm": "hyperopt"},
        }
    )


def table_of(count: int, every: int = 3) -> list[Observation]:
    """Random points by their distance from (0.3, 0.6); every so many-th trial ended the last stage as well."""
    draw, told = np.random.default_rng(0), []
    for number in range(1, count + 1):
        x, y = (float(u) for u in draw.random(2))
        loss = (x - 0.3) ** 2 + (y - 0.6) ** 2
        values = {0: loss + 0.1, 1: loss} if number % every == 0 else {0: loss + 0.1}
        told.append(Observation(number, {"x": x, "y": y}, "STOPPED", values))
    return told


def observed(trial: int, *values: float, state: str = "STOPPED") -> Observation:
    return Observation(trial, {}, state, dict(enumerate(values)))


def test_a_good_trial_of_an_early_stage_stands_before_a_poor_one_of_the_last() -> None:
    table = [observed(n, 0.1 * n, 0.1 * n) for n in (2, 4, 6, 8, 9)] + [observed(1, 0.15), observed(7, 0.85)]
    assert [o.trial for o in standing(table, "minimize")] == [1, 2, 4, 6, 8, 7, 9]
    flipped = [Observation(o.trial, {}, o.state, {s: -v for s, v in o.values.items()}) for o in table]
    assert [o.trial for o in standing(flipped, "maximize")] == [1, 2, 4, 6, 8, 7, 9]


def test_an_early_stage_that_foretells_nothing_says_little() -> None:
    """Its best trial stands behind the better ones of those that are known."""
    losses = [0.5, 0.1, 0.9, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6]
    table = [observed(n, 0.1 * n, loss) for n, loss in enumerate(losses, start=1)] + [observed(10, 0.0)]
    order = [o.trial for o in standing(table, "minimize")]
    assert order.index(10) >= 4


def test_what_failed_or_is_no_number_stands_last_and_what_runs_nowhere() -> None:
    table = [
        observed(1, state="FAILED"),
        observed(2, math.nan),
        observed(3, 0.1, state="FAILED"),
        observed(4, 0.9),
        observed(5, state="RUNNING"),
    ]
    best, *others = (o.trial for o in standing(table, "minimize"))
    assert (best, set(others)) == (4, {1, 2, 3})


def test_parallel_proposals_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where trials are running already, fewer are proposed than if nobody ran there."""
    monkeypatch.setattr(tpe, "UNGUIDED", 0.0)
    table = table_of(60)
    near = [Observation(n, {"x": 0.3, "y": 0.6}, "RUNNING") for n in range(61, 81)]
    alone, beside = (
        [search.create(spec_of()).propose(number, told) for number in range(100, 140)] for told in (table, table + near)
    )
    assert _mean_distance(beside) > 1.3 * _mean_distance(alone)


def _mean_distance(configs: Any) -> float:
    return float(np.mean([math.dist((c["x"], c["y"]), (0.3, 0.6)) for c in configs]))


def test_the_cost_of_a_proposal_is_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    """hyperopt is shown so many trials at most, all good ones among them."""
    monkeypatch.setattr(tpe, "UNGUIDED", 0.0)
    table, shown = table_of(2000), []
    suggest = tpe.tpe.suggest

    def spy(ids: Any, domain: Any, trials: Any, seed: int, **options: Any) -> Any:
        shown.append((len(trials.trials), sum(doc["result"]["loss"] == 0.0 for doc in trials.trials)))
        return suggest(ids, domain, trials, seed, **options)

    monkeypatch.setattr(tpe.tpe, "suggest", spy)
    searcher = search.create(spec_of())
    for count in (100, 500, 2000):
        searcher.propose(count + 1, table[:count])
    assert shown == [(100, 10), (tpe.REMEMBERED, 23), (tpe.REMEMBERED, tpe.MOST_GOOD)]


def test_a_parameter_that_does_not_apply_is_not_learned_from() -> None:
    """All good trials lack it: where it does apply, its values are still drawn from the whole range."""
    parameters = {
        "kind": {"choice": ["a", "b"]},
        "deep": {"uniform": [0, 1], "when": {"kind": ["b"]}},
        "flat": {"uniform": [0, 1], "when": {"kind": ["a"]}},
    }
    draw, table = np.random.default_rng(1), list[Observation]()
    for number in range(1, 41):
        good = number % 2 == 0
        config = {"kind": "a", "flat": float(draw.random())} if good else {"kind": "b", "deep": float(draw.random())}
        table.append(Observation(number, config, "FINISHED", {1: float(draw.random()) + (not good)}))
    proposals = [search.create(spec_of(parameters)).propose(number, table) for number in range(41, 101)]
    kinds = [p["kind"] for p in proposals if p]
    assert kinds.count("a") > 35
    assert all(("deep" in p) == (p["kind"] == "b") for p in proposals if p)
