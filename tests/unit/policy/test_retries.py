"""Which failures are forgiven, and how often."""

from __future__ import annotations

import pytest

from service.policy.retries import retry
from service.spec import load

SPEC = load(
    {
        "name": "a",
        "task": "toy:curve",
        "metric": {"name": "score", "goal": "maximize"},
        "parameters": {"x": {"uniform": [0, 1]}},
        "stages": [{"data": 1.0, "epochs": 2}],
        "retries": 2,
    }
)


@pytest.mark.parametrize(
    ("kind", "attempt", "why"),
    [
        ("error", 0, "retry 1 of 2 after: it broke"),
        ("worker", 1, "retry 2 of 2 after: it broke"),
        ("worker", 2, None),
        ("diverged", 0, None),
        ("metric", 0, None),
    ],
)
def test_what_another_attempt_may_get_past_is_tried_again(kind: str, attempt: int, why: str | None) -> None:
    assert retry(SPEC, kind, attempt, "it broke") == why
