"""A policy of a later round: its trials are numbered on, its searcher and limits know only its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.policy.observation import Observation
from service.policy.policy import Policy
from service.spec import Spec, load


def spec_of(**search: Any) -> Spec:
    return load(
        {
            "name": "a",
            "task": "toy:curve",
            "metric": {"name": "score", "goal": "maximize"},
            "parameters": {"x": {"choice": [1, 2, 3]}},
            "stages": [{"data": 1.0, "epochs": 1}],
            "search": search,
        }
    )


PAST = [Observation(n, {"x": n}, "FINISHED", {0: 0.5}, begun={0: n}) for n in (1, 2, 3)]


def test_numbers_go_on_and_the_limit_is_the_rounds_own() -> None:
    policy = Policy(spec_of(algorithm="random", trials=2), past=PAST)
    table: list[Observation] = []
    for number in (4, 5):
        job = policy.next(table)
        assert job is not None
        assert job.trial == number
        table.append(Observation(number, job.config or {}, "STOPPED", {0: 0.1}))
    assert policy.next(table) is None


def test_a_searcher_counts_from_the_beginning_of_the_round() -> None:
    alone, after = (Policy(spec_of(algorithm="grid"), past=past) for past in ([], PAST))
    first, fourth = alone.next([]), after.next([])
    assert first is not None
    assert fourth is not None
    assert (first.trial, fourth.trial) == (1, 4)
    assert first.config == fourth.config == {"x": 1}
    later = Observation(5, {"x": 2}, "FINISHED", {0: 0.5}, begun={0: 6})
    assert later.after(3) == replace(later, trial=2, begun={0: 3})
    assert later.after(0) is later
