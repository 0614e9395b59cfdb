"""What a stage is worth: the rule, and what follows from it."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from scipy.stats import rankdata

from service.policy.policy import Policy
from service.policy.worth.controls import Controls
from service.policy.worth.stage_worth import LIMIT, Rung, appraise, correlation, expected_maximum, normal_scores, shrunk
from service.policy.worth.worth_tracker import WorthTracker
from service.spec import Spec, load


def spec_of(start: str = "fresh", factor: float = 3) -> Spec:
    return load(
        {
            "name": "a",
            "task": "toy:curve",
            "metric": {"name": "score", "goal": "maximize"},
            "parameters": {"x": {"uniform": [0, 1]}},
            "stages": [{"data": d, "epochs": 1, "start": start} for d in (0.1, 0.5, 1.0)],
            "search": {"algorithm": "random", "trials": 1000},
            "schedule": {"algorithm": "promote", "reduction_factor": factor},
        }
    )


def shown(spec: Spec, tells: bool, seconds: tuple[float, float, float], trials: int = 40) -> WorthTracker:
    draw, worths = np.random.default_rng(0), WorthTracker(spec, Controls(1))
    for trial in range(1, trials + 1):
        final = float(draw.normal())
        coarse = final + 0.1 * float(draw.normal()) if tells else float(draw.normal())
        for stage, value in enumerate((coarse, final, final)):
            worths.observe(trial, stage, value, seconds[stage])
    return worths


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_the_expected_maximum_is_that_of_normal_draws(count: int) -> None:
    draws = np.random.default_rng(0).normal(size=(200_000, count)).max(axis=1).mean()
    assert expected_maximum(count) == pytest.approx(draws, abs=0.03)
    assert expected_maximum(1.0) == 0.0


def test_a_cheap_stage_that_tells_decides() -> None:
    worth = shown(spec_of(), tells=True, seconds=(1, 5, 10)).known[0]
    assert worth.decides
    fair = worth.correlation
    assert fair is not None
    assert (fair.value > 0.9, fair.pairs) == (True, 39)  # it is weighed anew with every twentieth part more
    assert fair.low < fair.value < fair.high
    assert worth.agreement > 0.9
    assert worth.cost == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("tells", "seconds"), [(False, (1, 5, 10)), (True, (9, 10, 20))], ids=["tells nothing", "is not cheap"]
)
def test_a_stage_that_is_not_worth_it_is_skipped_where_the_next_starts_anew(tells: bool, seconds: Any) -> None:
    assert shown(spec_of("fresh"), tells, seconds).skipped()[:1] == (0,)
    assert shown(spec_of("continue"), tells, seconds).skipped() == ()


def test_where_weights_continue_only_worthless_ranks_cost_a_stage_its_say() -> None:
    """Deciding late is never cheaper than deciding at a rung on the way that tells as much."""
    assert shown(spec_of("continue"), True, (9, 1, 10)).decides(0)
    assert not shown(spec_of("continue"), False, (1, 4, 10)).decides(0)


def test_stages_too_short_to_time_are_left_to_the_plan() -> None:
    """Epochs of milliseconds cost what the machine is busy with, and not training on would save nothing."""
    worth = shown(spec_of(), tells=False, seconds=(0.1, 0.5, 10)).known[0]
    assert worth.decides
    assert "too short to time" in worth.words
    assert not shown(spec_of(), tells=False, seconds=(0.1, 1.5, 10)).decides(0)


def test_nothing_is_given_up_before_it_was_seen() -> None:
    worths = WorthTracker(spec_of())
    assert worths.decides(0)
    assert not worths.tells(0)
    worths.observe(1, 0, 0.5, 1.0)
    assert worths.decides(0)
    assert worths.news() == []


def test_the_needed_correlation_is_where_choosing_and_not_choosing_gain_the_same() -> None:
    here = Rung({t: float(t) for t in range(6)}, dict.fromkeys(range(6), 2.0))
    after = Rung({t: float(t) for t in range(6)}, dict.fromkeys(range(6), 4.0))
    cost, needed, _ = appraise(here, after, factor=3, fresh=True)
    assert cost == 0.5
    assert needed * expected_maximum(3) == pytest.approx(expected_maximum(2.5))
    assert appraise(here, after, 3, fresh=False)[1] * expected_maximum(3) == pytest.approx(expected_maximum(2.0))


def test_the_correlation_of_the_chosen_is_corrected_for_their_narrow_range() -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=3000)
    y = 0.8 * x + 0.6 * draw.normal(size=3000)
    chosen = np.argsort(-x)[:1000]
    narrow = np.corrcoef(x[chosen], y[chosen])[0, 1]
    wide, weight = correlation(dict(enumerate(x)), {int(t): float(y[t]) for t in chosen})
    assert narrow < 0.65
    assert wide == pytest.approx(0.8, abs=0.06)
    assert weight == 997


def test_few_pairs_move_the_prior_little_and_many_much() -> None:
    assert shrunk(0.8, (0.0, 1.0)) > 0.6
    assert shrunk(0.8, (0.0, 100.0)) < 0.1
    assert correlation({1: 0.0, 2: 1.0}, {1: 0.0, 2: 1.0}) == (0.0, 0.0)
    assert normal_scores([3.0, 1.0, 2.0]) == pytest.approx([0.967, -0.967, 0.0], abs=1e-3)
    assert math.isfinite(shrunk(1.0, (0.995, 50.0)))


def test_the_policy_skips_a_worthless_stage_and_says_why() -> None:
    policy = Policy(spec_of())
    draw = np.random.default_rng(3)
    for trial in range(1, 41):
        policy.begin(trial)
        for stage in range(3):
            verdict = policy.judge(trial, stage, float(draw.normal()), (1.0, 5.0, 10.0)[stage])
    job = policy.next([])
    assert job is not None
    assert 0 in job.skipped
    late = policy.judge(41, 0, 0.0, 1.0)
    assert late.kind == "continue"
    assert "does not pay" in late.reason
    assert verdict.kind == "finish"


def test_ties_share_the_mean_of_their_ranks() -> None:
    """As scipy ranks them."""
    for seed in range(20):
        values = np.random.default_rng(seed).integers(0, 6, 15)
        expected = [NormalDist().inv_cdf((rank - 0.5) / 15) for rank in rankdata(values)]
        assert normal_scores([float(value) for value in values]) == expected
    assert normal_scores([2.0, 1.0, 2.0, 3.0])[::2] == [0.0, 0.0]


def test_ranks_of_tiny_and_of_huge_values_count() -> None:
    for scale in (1e-20, 1.7e307):
        values = {trial: scale * trial - 5.0 * scale for trial in range(1, 11)}
        assert correlation(values, values) == (LIMIT, 7.0)
