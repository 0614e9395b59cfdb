"""Which failures are forgiven, and how often."""

from __future__ import annotations

import pytest

from service.policy.failures.retries import alone, retry
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
        ("killed", 0, "retry 1 of 2 after: it broke"),
        ("diverged", 0, None),
        ("metric", 0, None),
        ("memory", 0, None),
    ],
)
def test_what_another_attempt_may_get_past_is_tried_again(kind: str, attempt: int, why: str | None) -> None:
    assert retry(SPEC, kind, attempt, "it broke") == why


@pytest.mark.parametrize(
    ("kind", "gpu", "again"),
    [("memory", 0.25, True), ("memory", 1.0, False), ("memory", 0.0, False), ("error", 0.25, False)],
)
def test_who_shared_a_gpu_and_ran_out_of_memory_is_tried_again_alone(kind: str, gpu: float, again: bool) -> None:
    assert alone(kind, gpu) == again
