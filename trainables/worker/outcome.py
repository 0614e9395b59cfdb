"""Results of ``Trainable.step``: a report, or the failure that ends the trial. Plain data both."""

from __future__ import annotations

import difflib
import math
import re
import traceback
from collections.abc import Mapping
from typing import Any

from trainables.errors import CheckpointError, Diverged, MetricError, RankFailed, TaskError, message_of, worded
from trainables.loop import gpu_memory
from trainables.loop.assignment import Assignment, Position
from trainables.nearest import nearest
from trainables.transfer import trained

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
    own = {f"{TRAINED}{name}": value for name, value in trained(plan, stage, given.config).items()}
    metrics = {**metrics, **own}
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
    message = worded(error) if kind == "error" else message_of(error) or worded(error)
    trace = shortened("".join(traceback.format_exception(error)))
    return {"done": True, "sieve": {"failure": {"kind": kind, "message": message, "traceback": trace}}}


MOST = 50_000
"""Characters of a traceback that are kept."""


def shortened(trace: str) -> str:
    """``trace`` without its middle, where it is longer than `MOST`: a message may hold a whole data set."""
    over = len(trace) - MOST
    return trace if over <= 0 else f"{trace[: MOST // 2]}\n… {over} characters …\n{trace[-MOST // 2 :]}"


def kind_of(error: Exception) -> str:
    """The kind of a failure that is none of memory."""
    return next((kind for base, kind in FAILURE_KINDS if isinstance(error, base)), "error")


OF_TRIALS = "checkpoint diagnosis error finished gpu_seconds node round seconds started state trial why"
OF_REPORTS = "budget config data done epoch sieve stage time"
RESERVED = frozenset(f"{OF_TRIALS} {OF_REPORTS}".split())
"""Columns of the results' DataFrames, which no metric may be named."""


TRAINED = "trained/"
"""Begins the names of values that a stage trained with by ``transfer``, in place of the config's."""

RESERVED_PREFIXES = ("config/", "sieve/", TRAINED)
"""Beginnings of the names of columns that results, or Tune's reports, have of their own."""

TYPO = 0.9
"""How like each other two names are of which one is the other misspelt."""


def check(metrics: Mapping[str, float], metric: str, stage: int, stage_end: bool) -> None:
    """Check the ``metrics`` reported in ``stage``: before its end the sweep's ``metric`` may be left out, or be NaN.

    Raises:
        MetricError: ``metric`` is not among them at the stage's end, or is misspelt, or one has the name of a column
            (`RESERVED`, `RESERVED_PREFIXES`).
        Diverged: a loss (``loss`` or ``…_loss``) is NaN or infinite, or ``metric`` is at the stage's end.
    """
    taken = sorted(name for name in metrics if name in RESERVED or name.startswith(RESERVED_PREFIXES))
    if taken:
        raise MetricError(
            f"the task reports {', '.join(taken)}, which results hold already", "report it under another name"
        )
    if metric not in metrics:
        _check_missing(metrics, metric, stage, stage_end)
    losses = [name for name in metrics if name == "loss" or name.endswith("_loss")]
    wrong = [f"{name} became {metrics[name]:g}" for name in losses if not math.isfinite(metrics[name])]
    if wrong:
        raise Diverged(f"{', '.join(wrong)}", "lower lr, warm up or set clip_norm")
    if stage_end and not math.isfinite(value := metrics[metric]):
        raise Diverged(
            f"the metric {metric} is {value:g} at the end of stage {stage}, which cannot be ranked",
            "see that the validation data have what it needs, such as examples of each class",
        )


def _check_missing(metrics: Mapping[str, float], metric: str, stage: int, stage_end: bool) -> None:
    """``metric`` is not among ``metrics``: it may be at the next report, unless a name there is it, misspelt."""
    alike = [name for name in metrics if _misspelt(name, metric)]
    if stage_end or alike:
        when = f" at the end of stage {stage}" if stage_end and not alike else ""
        raise MetricError(
            f"the task reports no metric {metric}{nearest(metric, metrics)}{when}, only {', '.join(sorted(metrics))}",
            "name one of these as the metric of the sweep, or report it with the last epoch of each stage",
        )


def _misspelt(name: str, metric: str) -> bool:
    """Whether the names are all but the same; ``top1`` and ``top5`` are two metrics."""
    digits = re.compile(r"\D")
    close = difflib.SequenceMatcher(None, name, metric).ratio() >= TYPO
    return close and digits.sub("", name) == digits.sub("", metric)
