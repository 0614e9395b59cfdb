"""Results of ``Trainable.step``: a report, or the failure that ends the trial. Plain data both."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from typing import Any

from trainables.errors import CheckpointError, Diverged, MetricError, RankFailed, TaskError
from trainables.loop import gpu_memory
from trainables.loop.assignment import Assignment, Position
from trainables.nearest import nearest

FAILURE_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (Diverged, "diverged"),
    (MetricError, "metric"),
    (TaskError, "task"),
    (CheckpointError, "disk"),
)
"""The ``kind`` of a failure by the first class that fits. Others are ``memory`` if the device is out of memory (retried
on a whole GPU after a fraction of one) or ``error`` (retried)."""


def report(given: Assignment, position: Position, metrics: Mapping[str, float], seconds: float) -> dict[str, Any]:
    """The report of ``given`` at ``position``, after ``seconds``: metrics, stage, epoch, budget, the head's record."""
    plan, (stage, done) = given.climb, position
    stage_end = done == plan[stage].epochs
    return {
        **metrics,
        "stage": stage,
        "epoch": plan.first_epoch(stage) + done,
        "budget": plan.budget(stage, done),
        "data": plan[stage].data,
        "done": stage_end and stage == plan.last,
        "sieve": {
            "metrics": dict(metrics),
            "done_in_stage": done,
            "stage_end": stage_end,
            "seconds": seconds,
            "checkpoint": str(given.checkpoint),
            "memory": gpu_memory.seen(),
            "failure": None,
        },
    }


def position(result: Mapping[str, Any]) -> Position:
    """The position of the trial at ``result``."""
    return result["stage"], result["sieve"]["done_in_stage"]


def failure(error: Exception) -> dict[str, Any]:
    """The last result of a trial that failed by ``error``."""
    if isinstance(error, RankFailed):
        return {"done": True, "sieve": {"failure": error.failure}}
    kind = "memory" if gpu_memory.exhausted(error) else kind_of(error)
    message = str(error) if kind != "error" else f"{type(error).__name__}: {error}"
    trace = "".join(traceback.format_exception(error))
    return {"done": True, "sieve": {"failure": {"kind": kind, "message": message, "traceback": trace}}}


def kind_of(error: Exception) -> str:
    """The kind of a failure that is none of memory."""
    return next((kind for base, kind in FAILURE_KINDS if isinstance(error, base)), "error")


OF_TRIALS = "checkpoint diagnosis error finished gpu_seconds node round seconds started state trial why"
OF_REPORTS = "budget config data done epoch sieve stage time"
RESERVED = frozenset(f"{OF_TRIALS} {OF_REPORTS}".split())
"""Columns of the results' DataFrames, which no metric may be named."""


def check(metrics: Mapping[str, float], metric: str) -> None:
    """Check the reported ``metrics``.

    Raises:
        MetricError: the sweep's ``metric`` is not among them, or one has the name of a column (`RESERVED`).
        Diverged: ``metric`` or a loss (``loss`` or ``…_loss``) is NaN or infinite.
    """
    if metric not in metrics:
        raise MetricError(
            f"the task reports no metric {metric}{nearest(metric, metrics)}, only {', '.join(sorted(metrics))}",
            "name one of these as the metric of the sweep",
        )
    taken = sorted(RESERVED.intersection(metrics))
    if taken:
        raise MetricError(
            f"the task reports {', '.join(taken)}, which results hold already", "report it under another name"
        )
    decisive = [name for name in metrics if name in (metric, "loss") or name.endswith("_loss")]
    wrong = [f"{name} became {metrics[name]:g}" for name in decisive if not math.isfinite(metrics[name])]
    if wrong:
        raise Diverged(f"{', '.join(wrong)}", "lower lr, warm up or set clip_norm")
