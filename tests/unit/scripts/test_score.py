"""Normalized regret, intervals and ranks."""

from __future__ import annotations

import pytest

from bench.problems.references import Reference
from bench.problems.world import Report
from bench.score import interval, ranks, score

REFERENCE = Reference(best=0.1, median=0.5, q=(0.5, 0.4, 0.2, 0.16), unit=10.0)


def test_regret_is_of_the_whole_training_between_best_and_median() -> None:
    found = score([Report(15.0, 0, 0.9, 0.3), Report(30.0, 2, 0.2, 0.2)], REFERENCE, seconds=60.0, top=2)
    assert found.at(0.1) == pytest.approx((1.0 - 0.1) / 0.4)  # nothing yet
    assert found.at(0.25) == pytest.approx((0.3 - 0.1) / 0.4)  # the moment it reports
    assert found.at(1.0) == pytest.approx((0.2 - 0.1) / 0.4)
    assert found.mean == pytest.approx((25 * 2.25 + 25 * 0.5 + 51 * 0.25) / 101)


def test_the_top_is_reached_by_a_whole_training_only() -> None:
    early = Report(10.0, 1, 0.11, 0.11)
    assert score([early], REFERENCE, 60.0, top=2).top is None
    assert score([early, Report(20.0, 2, 0.3, 0.3), Report(25.0, 2, 0.2, 0.2)], REFERENCE, 60.0, top=2).top == 2.5


def test_better_than_the_best_random_config_is_no_regret() -> None:
    assert score([Report(1.0, 2, 0.0, 0.0)], REFERENCE, 60.0, top=2).at(1.0) == 0.0


def test_an_interval_holds_the_mean_and_narrows_with_agreement() -> None:
    low, high = interval([[0.1, 0.3, 0.2], [0.5, 0.7]])
    assert low < (0.2 + 0.6) / 2 < high
    assert interval([[0.4, 0.4]]) == pytest.approx((0.4, 0.4))


def test_ranks_are_averaged_over_problems_and_shared_by_ties() -> None:
    means = {"a": {"p": 0.1, "q": 0.2}, "b": {"p": 0.2, "q": 0.2}, "c": {"p": 0.3, "q": 0.1}}
    assert ranks(means) == {"a": 1.75, "b": 2.25, "c": 2.0}
