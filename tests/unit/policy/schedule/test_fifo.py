"""What `fifo` does that no other rule does."""

from __future__ import annotations

import pytest

from service.policy.policy import Policy
from tests.contract.policy import test_rungs as rungs

CONTINUE, FRESH = {"epochs": 2}, {"epochs": 2, "start": "fresh"}


@pytest.mark.parametrize(
    ("kinds", "skipped"),
    [
        ((CONTINUE, CONTINUE, CONTINUE), ()),
        ((CONTINUE, FRESH, CONTINUE), (0,)),
        ((CONTINUE, FRESH, FRESH), (0, 1)),
        ((CONTINUE,), ()),
    ],
)
def test_a_trial_begins_where_the_weights_of_the_last_stage_do(
    kinds: tuple[dict[str, object], ...], skipped: tuple[int, ...]
) -> None:
    stages = [{"data": data, **kind} for data, kind in zip((0.1, 0.5, 1.0), kinds, strict=False)]
    policy = Policy(rungs.spec_of("fifo", stages=stages))
    job = policy.next([])
    assert job is not None
    assert job.skipped == skipped
