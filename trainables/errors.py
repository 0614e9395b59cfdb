"""What can go wrong inside a trial, by kind: the head reads the kind to decide whether a retry makes sense."""

from __future__ import annotations

import difflib
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

INSTALLED = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
"""Folders of Python's own modules, and of those that were installed."""
OURS = tuple(str(Path(__file__).parents[1] / name) for name in ("trainables", "service", "cluster"))


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


def told(error: BaseException) -> str:
    """``error`` in words: a mistake that we found says all itself; of others type, message and the user's line."""
    if isinstance(error, TaskError):
        return str(error)
    lines = str(error).strip().split("\n")
    raised_in_loader = len(lines) > 1 and lines[0].startswith("Caught ") and "DataLoader" in lines[0]
    words = lines[-1] if raised_in_loader else f"{type(error).__name__}: {error}"
    return f"{words}{place(error)}"


def place(error: BaseException) -> str:
    """`` (task.py:12)``: the last line of ``error`` in code of the user's own; an empty string if none is."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    if not frames:
        return ""
    path = Path(frames[-1].filename)
    folder = next((folder for folder in map(Path, sys.path) if folder != Path() and path.is_relative_to(folder)), None)
    return f" ({path.relative_to(folder) if folder else path}:{frames[-1].lineno})"


def _is_users(filename: str) -> bool:
    return not filename.startswith(("<", *INSTALLED, *OURS))


def nearest(word: str, allowed: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the allowed word most like ``word``, or an empty string if none is close."""
    close = difflib.get_close_matches(word, list(allowed), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
