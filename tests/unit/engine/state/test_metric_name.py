"""Names that a metric may not have."""

from __future__ import annotations

import pytest

from service.engine.state.metric_name import check_metric
from service.spec import Spec, load
from service.spec.errors import UserError


def spec_of(metric: str) -> Spec:
    return load(
        {
            "name": "a",
            "task": "toy:curve",
            "metric": {"name": metric, "goal": "maximize"},
            "parameters": {"x": {"uniform": [0, 1]}},
            "stages": [{"data": 1.0, "epochs": 1}],
        }
    )


@pytest.mark.parametrize("name", ["epoch", "time", "config/lr", "sieve/score"])
def test_a_metric_with_the_name_of_a_column_of_results_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"metric.name is '{name}'"):
        check_metric(spec_of(name))


def test_others_pass() -> None:
    check_metric(spec_of("val_accuracy"))
