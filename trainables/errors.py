"""Exceptions inside a trial, by the kind of failure: ``retries`` of the spec are spent on some kinds only.

A task may raise `TaskError` and `Diverged`; the others are Sieve's. Any other exception of a task is retried, except
for running out of memory, which is retried only on a whole GPU after a fraction of one.
"""

from __future__ import annotations

import re
import sys
import sysconfig
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

INSTALLED = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
"""Folders of Python's standard library and of installed packages."""
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
    """A mistake in a task, its data or a config. The trial fails and is not retried.

    >>> from trainables.errors import TaskError
    >>> def model(config):
    ...     if config["width"] % config["heads"]:
    ...         raise TaskError(f"heads {config['heads']} does not divide width {config['width']}", "use 1, 2 or 4")
    >>> model({"width": 64, "heads": 3})
    Traceback (most recent call last):
    ...
    trainables.errors.TaskError: heads 3 does not divide width 64; use 1, 2 or 4
    """


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
    """The loss or the sweep's metric became NaN or infinite; the trial fails and is not retried.

    Sieve's loop raises it by itself; a training function may, with the numbers in the message, and a cure:

    >>> import math
    >>> from trainables.errors import Diverged
    >>> loss, step = math.nan, 12
    >>> if not math.isfinite(loss):
    ...     raise Diverged(f"the loss became {loss} at step {step}", "lower lr")
    Traceback (most recent call last):
    ...
    trainables.errors.Diverged: the loss became nan at step 12; lower lr
    """


class MetricError(TaskError):
    """The task does not report ``metric.name`` of the spec; the message lists what it did report. Not retried."""


class Unrestorable(TrialError, RuntimeError):
    """A trial changed its process in a way that cannot be taken back; the message names it.

    The worker ends, and the trial that was to be next is tried again elsewhere, at no cost of an attempt.
    """


class CheckpointError(TrialError, OSError):
    """A checkpoint file cannot be written or read; the message names the file. Not retried."""


class RankFailed(RuntimeError):
    """One process of a distributed trial failed; ``failure`` has its ``kind``, ``message`` and ``traceback``."""

    def __init__(self, failure: Mapping[str, Any]) -> None:
        super().__init__(str(failure["message"]))
        self.failure = dict(failure)


LONGEST = 400
"""Characters of a message in one line, the rest is cut off."""


def one_line(message: str) -> str:
    """A ``message`` of several lines in one: all of them, or the last where a traceback is among them."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if any("Traceback (most recent call last)" in line or line.startswith("Original Traceback") for line in lines):
        lines = lines[-1:]
    words = " ".join(lines)
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def message_of(error: BaseException) -> str:
    """``str(error)``, also where the class of the error has one that fails."""
    try:
        return str(error).strip()
    except Exception:
        return "(its message cannot be shown)"


def worded(error: BaseException) -> str:
    """Type and message of ``error``; where it has no message, the line of the user's code that it came from."""
    message = message_of(error)
    name = type(error).__name__
    return f"{name}: {message}" if message else f"{name}, without a message{place(error)}"


def told(error: BaseException) -> str:
    """``error`` in words: the message of a `TaskError`; of others type, message and the line in the user's code."""
    if isinstance(error, TaskError):
        return str(error)
    words = f"{type(error).__name__}: {message_of(error)}"
    if "Original Traceback" in words:  # Of a process that reads for a loader: its message holds the traceback.
        words = words.strip().split("\n")[-1]
    return f"{words}{place(error)}"


def place(error: BaseException) -> str:
    """`` (task.py:12)``: the innermost line of the user's code in the traceback, ``""`` if there is none."""
    frames = [(frame.filename, str(frame.lineno)) for frame in traceback.extract_tb(error.__traceback__)]
    frames += re.findall(r'File "(.+)", line (\d+)', message_of(error))
    python = [frame for frame in frames if frame[0].endswith(".py")]
    users = [frame for frame in python if not frame[0].startswith(("<", *INSTALLED, *OURS))]
    if not users:
        return ""
    path, line = Path(users[-1][0]), users[-1][1]
    folder = next((folder for folder in map(Path, sys.path) if folder != Path() and path.is_relative_to(folder)), None)
    return f" ({path.relative_to(folder) if folder else path}:{line})"
