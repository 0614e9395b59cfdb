"""How many go on at the first rung where its stage makes few optimizer steps."""

from __future__ import annotations

from typing import Any

import pytest

from service.engine.preflight.forecast import forecast
from service.policy.schedule import create
from service.spec import Spec, load

FEW, MANY = {"examples": 800, "validation": 100}, {"examples": 80_000, "validation": 100}


def spec_of(algorithm: str, facts: Any, factor: float = 10) -> Spec:
    return load(
        {
            "name": "toy",
            "task": "nowhere:task",
            "metric": {"name": "score", "goal": "maximize"},
            "parameters": {"x": {"uniform": [0, 1]}, "batch_size": {"choice": [16, 32, 64]}},
            "stages": [{"data": 0.1, "epochs": 4}, {"data": 0.5, "epochs": 4}, {"data": 1.0, "epochs": 8}],
            "search": {"algorithm": "random", "trials": 80},
            "schedule": {"algorithm": algorithm, "reduction_factor": factor},
            "facts": facts,
        }
    )


@pytest.mark.parametrize(("facts", "first"), [(FEW, 20), (MANY, 8), (None, 8)])
def test_a_quarter_goes_on_from_a_first_stage_of_few_steps_and_a_tenth_later(facts: Any, first: int) -> None:
    rungs = create(spec_of("promote", facts))
    reasons = [rungs.judge(trial, 0, -float(trial), 1.0).reason for trial in range(1, 81)]
    promoted = list(iter(lambda: rungs.promotion(draining=False), None))
    assert len(promoted) == first
    assert ("a quarter at least as this stage makes 12 optimizer steps" in reasons[-1]) == (facts is FEW)
    later = [rungs.judge(ruling.trial, 1, 0.0, 1.0).reason for ruling in promoted if ruling is not None]
    assert not any("quarter" in reason for reason in later)
    assert len(list(iter(lambda: rungs.promotion(draining=False), None))) == first // 10


@pytest.mark.parametrize(("facts", "first"), [(FEW, 20), (MANY, 8)])
def test_asha_lets_a_quarter_on_too(facts: Any, first: int) -> None:
    rungs = create(spec_of("asha", facts))
    order = [(37 * trial) % 80 for trial in range(1, 81)]
    verdicts = [rungs.judge(trial, 0, float(value), 1.0) for trial, value in enumerate(order, 1)]
    went = [verdict for verdict in verdicts if verdict.kind == "continue"]
    assert 0.8 * first <= len(went) <= 1.6 * first  # Decided at once, by those before alone, it is not exact.
    assert ("a quarter at least" in verdicts[-1].reason) == (facts is FEW)
    assert "quarter" not in rungs.judge(1, 1, 0.0, 1.0).reason


def test_a_smaller_factor_stays() -> None:
    assert "nobody goes on before there are 2" in create(spec_of("promote", FEW, 2)).judge(1, 0, 0.0, 1.0).reason


def test_the_forecast_knows_it() -> None:
    few, many = (forecast(spec_of("promote", facts))[0].reaching[1] for facts in (FEW, MANY))
    assert few > 1.5 * many
