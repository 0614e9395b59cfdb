"""What can go wrong inside a trial, by kind: the head reads the kind to decide whether a retry makes sense."""

from __future__ import annotations

import re
import sys
import sysconfig
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

INSTALLED = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
"""Folders of Python's own modules, and of those that were installed."""
OURS = tuple(str(Path(__file__).parents[1] / name) for name in ("trainables", "service", "cluster"))


class TrialError(Exception):
    """An error a person can act on. ``str()`` is the message, then the cure."""

    def __init__(self, message: str, cure: str = "") -> None:
        Exception.__init__(self, message, cure)  # OSError's own would take them for a number and its meaning
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}; {self.cure}" if self.cure else self.message


class TaskError(TrialError, ValueError):
    """A user's mistake in a task, its data or a config. A retry would not help."""


class StageError(TaskError):
    """A stage cannot be had from the data: number ``stage`` of the spec's own plan, or of a later round's ``plan``."""

    def __init__(self, message: str, cure: str, stage: int, plan: int | None = None) -> None:
        super().__init__(message, cure)
        self.stage = stage
        self.plan = plan
        self.args = (message, cure, stage, plan)  # what pickle calls the class with

    @property
    def where(self) -> str:
        """Its place in the spec, such as ``stages/0`` or ``rounds/stages/1/0``."""
        return f"stages/{self.stage}" if self.plan is None else f"rounds/stages/{self.plan}/{self.stage}"

    def __str__(self) -> str:
        return f"{self.where}: {super().__str__()}"


class Diverged(TrialError, ArithmeticError):
    """The loss or the sweep's metric became NaN or infinite; the message holds the numbers. A retry would not help."""


class MetricError(TaskError):
    """The task does not report the metric the sweep is about; the message lists the names it did report."""


class CheckpointError(TrialError, OSError):
    """A checkpoint cannot be written or read; the message names the file."""


class RankFailed(RuntimeError):
    """A process of a trial of several broke: ``failure`` is its kind, message and traceback as `outcome` made them."""

    def __init__(self, failure: Mapping[str, Any]) -> None:
        super().__init__(str(failure["message"]))
        self.failure = dict(failure)


def told(error: BaseException) -> str:
    """``error`` in words: a mistake that we found says all itself; of others type, message and the user's line."""
    if isinstance(error, TaskError):
        return str(error)
    words = f"{type(error).__name__}: {error}"
    if "Original Traceback" in words:  # Of a process that reads for a loader: its message holds the traceback.
        words = words.strip().split("\n")[-1]
    return f"{words}{place(error)}"


def place(error: BaseException) -> str:
    """`` (task.py:12)``: the last line of ``error`` in code of the user's own; an empty string if none is."""
    frames = [(frame.filename, str(frame.lineno)) for frame in traceback.extract_tb(error.__traceback__)]
    frames += re.findall(r'File "(.+)", line (\d+)', str(error))
    users = [frame for frame in frames if not frame[0].startswith(("<", *INSTALLED, *OURS))]
    if not users:
        return ""
    path, line = Path(users[-1][0]), users[-1][1]
    folder = next((folder for folder in map(Path, sys.path) if folder != Path() and path.is_relative_to(folder)), None)
    return f" ({path.relative_to(folder) if folder else path}:{line})"
