"""Sieve on a benchmark problem: the spec that it gets, and what its simulation tells the comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from bench.problems.curve import Curve
from bench.problems.space import Condition, Parameter, Space
from bench.problems.world import Setting, Trace
from bench.sieve import run, spec

SPACE = Space(
    (
        Parameter("x", "float", 0.1, 1.0, log=True),
        Parameter("n", "int", 1, 4),
        Parameter("kind", "category", choices=("a", "b", "c")),
        Parameter("extra", "float"),
    ),
    {"extra": (Condition("kind", ("b", "c")),)},
)


@dataclass
class Toy:
    """Every config takes 1, 2, 4 seconds up to its levels; a lower ``x`` is better."""

    resumable: bool
    levels: tuple[float, ...]
    rungs: tuple[int, ...]
    space: Space = SPACE

    def curve(self, config: Mapping[str, Any]) -> Curve:
        return Curve((0.9, 0.5, float(config["x"])), (1.0, 2.0, 4.0))


RESUMES = Toy(True, (1, 2, 3), (0, 2))
RESTARTS = Toy(False, (0.1, 0.3, 1.0), (0, 1, 2))


def times(trace: Trace) -> list[tuple[float, int]]:
    return [(report.time, report.level) for report in trace.reports]


def test_the_spec_has_the_space_of_the_problem_and_a_stage_for_each_rung() -> None:
    found = spec(RESUMES, "random", "asha").to_dict()
    assert found["parameters"] == {
        "x": {"loguniform": [0.1, 1.0]},
        "n": {"randint": [1, 5]},
        "kind": {"choice": ["a", "b", "c"]},
        "extra": {"uniform": [0.0, 1.0], "when": {"kind": ["b", "c"]}},
    }
    assert [(stage["data"], stage["epochs"]) for stage in found["stages"]] == [(1.0, 1), (1.0, 2)]
    assert (found["search"]["algorithm"], found["schedule"]["reduction_factor"]) == ("random", 3.0)


def test_without_names_the_defaults_of_a_spec_hold() -> None:
    found, named = (spec(RESTARTS, *names) for names in (("auto", "auto"), ("auto", "promote")))
    assert found.schedule.reduction_factor != named.schedule.reduction_factor
    assert [(stage.data, stage.epochs, stage.start) for stage in found.stages] == [
        (share, 1, "fresh") for share in RESTARTS.levels
    ]


@pytest.mark.parametrize(
    ("problem", "schedule", "expected"),
    [
        (RESUMES, "fifo", [(1, 0), (2, 1), (4, 2)]),
        (RESTARTS, "promote", [(1, 0), (3, 1), (4, 0)]),
        (RESTARTS, "fifo", [(4, 2)]),
    ],
)
def test_reports_are_of_the_levels_at_the_times_of_the_problem(
    problem: Toy, schedule: str, expected: list[tuple[float, int]]
) -> None:
    trace = run(problem, Setting(1, 7.5, 0), "random", schedule)
    assert times(trace)[:3] == expected
    ends = [report for report in trace.reports if report.level == 2]
    assert all(report.full == report.loss for report in ends)
    if schedule == "fifo":
        assert trace.reports[0].full == ends[0].loss  # the same trial, trained to the end
        assert trace.launched == 2
    assert min(trace.wall) > 0


def test_crashes_and_stragglers_take_longer_and_end_nothing() -> None:
    setting = Setting(1, 60, 0, stragglers=1.0, crashes=0.5)
    trace = run(RESUMES, setting, "random", "fifo")
    assert [level for _, level in times(trace)[:6]] == [0, 1, 2] * 2
    assert trace.reports[2].time > 4.0
