"""Recorded curves as problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.problems.recorded import RECORDED, Recorded, named


def test_a_config_has_the_curve_of_the_nearest_recorded_one() -> None:
    assert RECORDED
    for name in RECORDED:
        problem = named(name, Path("nowhere"))
        assert isinstance(problem, Recorded)
        assert (problem.top, problem.rungs) == (26, (0, 2, 8, 26))
        config = problem._configs[7]
        curve = problem.curve({**config, "lr": config["lr"] * 1.0001})
        assert curve.losses == tuple(problem._losses[7])
        assert curve.seconds[-1] == pytest.approx(27 * problem._seconds[7])
        losses, seconds = problem.full([config])
        assert (losses[0], seconds[0]) == (curve.losses[-1], pytest.approx(curve.seconds[-1]))


def test_some_networks_diverge_and_some_learn() -> None:
    for name in RECORDED:
        losses = Recorded(name)._losses[:, -1]
        assert losses.min() < 0.7 * losses.max()
        assert losses.max() > 0.65


def test_an_unknown_set_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="recorded:none"):
        named("recorded:none", Path("nowhere"))
