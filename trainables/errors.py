"""What can go wrong inside a trial, by kind: the head reads the kind to decide whether a retry makes sense."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


class TaskError(ValueError):
    """A user's mistake in a task, its data or a config; the message ends with the cure. A retry would not help."""


class Diverged(ArithmeticError):
    """The loss or the sweep's metric became NaN or infinite; the message holds the numbers. A retry would not help."""


class MetricError(TaskError):
    """The task does not report the metric the sweep is about; the message lists the names it did report."""


class CheckpointError(OSError):
    """A checkpoint cannot be written or read; the message names the file and the cure."""


class RankFailed(RuntimeError):
    """A process of a trial of several broke: ``failure`` is its kind, message and traceback as `outcome` made them."""

    def __init__(self, failure: Mapping[str, Any]) -> None:
        super().__init__(str(failure["message"]))
        self.failure = dict(failure)


def nearest(word: str, allowed: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the allowed word most like ``word``, or an empty string if none is close."""
    close = difflib.get_close_matches(word, list(allowed), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
