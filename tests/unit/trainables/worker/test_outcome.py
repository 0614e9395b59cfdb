"""Which kind a failure is of."""

from __future__ import annotations

import pytest
import torch

from trainables.errors import CheckpointError, Diverged, MetricError, RankFailed, TaskError
from trainables.worker import outcome


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Diverged("nan"), "diverged"),
        (MetricError("none"), "metric"),
        (TaskError("wrong"), "task"),
        (CheckpointError("full"), "disk"),
        (torch.OutOfMemoryError("CUDA out of memory"), "memory"),
        (RuntimeError("broke"), "error"),
    ],
)
def test_the_kind_of_a_failure(error: Exception, kind: str) -> None:
    assert outcome.failure(error)["sieve"]["failure"]["kind"] == kind


def test_a_failure_of_another_process_is_told_as_it_was_there() -> None:
    there = outcome.failure(torch.OutOfMemoryError("CUDA out of memory"))
    here = RankFailed(there["sieve"]["failure"])
    assert outcome.failure(here) == there
