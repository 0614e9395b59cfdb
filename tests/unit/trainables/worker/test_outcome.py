"""Which kind a failure is of."""

from __future__ import annotations

import math

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


@pytest.mark.parametrize("name", ["seconds", "config/lr", "config/seconds", "sieve/stage_end", "stage"])
def test_a_name_that_results_have_is_refused(name: str) -> None:
    with pytest.raises(MetricError, match=f"the task reports {name}, which results hold already; report it under"):
        outcome.check({"score": 1.0, name: 2.0}, "score", 0, False)


def test_a_metric_may_be_left_out_inside_a_stage() -> None:
    outcome.check({"train_loss": 1.0}, "val_auc", 0, stage_end=False)
    outcome.check({"train_loss": 1.0, "val_auc": math.nan}, "val_auc", 0, stage_end=False)
    outcome.check({"top5": 1.0}, "top1", 0, stage_end=False)
    with pytest.raises(MetricError, match="reports no metric val_auc at the end of stage 1, only train_loss; name one"):
        outcome.check({"train_loss": 1.0}, "val_auc", 1, stage_end=True)


def test_a_misspelt_metric_is_told_at_once() -> None:
    with pytest.raises(MetricError, match=r"reports no metric val_acuracy \(did you mean 'val_accuracy'\?\), only"):
        outcome.check({"train_loss": 1.0, "val_accuracy": 0.5}, "val_acuracy", 0, stage_end=False)


def test_a_metric_that_is_no_number_at_the_end_is_no_diverged_loss() -> None:
    with pytest.raises(Diverged, match=r"the metric val_auc is nan at the end of stage 2, .*; see that the validation"):
        outcome.check({"train_loss": 1.0, "val_auc": math.nan}, "val_auc", 2, stage_end=True)
    for stage_end in (False, True):
        with pytest.raises(Diverged, match="val_loss became inf; lower lr"):
            outcome.check({"val_loss": math.inf, "val_auc": 0.5}, "val_loss", 0, stage_end)


class Mute(Exception):
    """An error whose message cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError(), "ValueError, without a message"),
        (Mute(), "Mute: (its message cannot be shown)"),
        (MemoryError(), "MemoryError, without a message"),
        (ValueError("first\n  second: the cause"), "ValueError: first\n  second: the cause"),
    ],
)
def test_every_failure_has_words(error: Exception, message: str) -> None:
    assert outcome.failure(error)["sieve"]["failure"]["message"] == message


def test_a_traceback_is_kept_but_for_the_middle_of_an_endless_one() -> None:
    trace = outcome.failure(ValueError("e" * 3_000_000))["sieve"]["failure"]["traceback"]
    assert len(trace) < outcome.MOST + 100
    assert trace.startswith("ValueError: eee")
    assert outcome.shortened("short") == "short"
