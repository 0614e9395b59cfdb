"""What a trial may change of its process, and how it is brought back for the next trial of a warm worker."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from trainables.errors import Unrestorable as Unrestorable
from trainables.worker.python_state import PYTHON_PARTS
from trainables.worker.torch_state import TORCH_PARTS


def read() -> dict[str, Any]:
    """All `PARTS` as they are now, by their names."""
    return {name: read_part() for name, (read_part, _) in PARTS.items()}


def restore(saved: Mapping[str, Any]) -> None:
    """Bring everything back that is no longer as `read` found it.

    Raises:
        Unrestorable: something stays as it is.
    """
    for name, (read_part, write_part) in PARTS.items():
        if read_part() == saved[name]:
            continue
        cause: Exception | None = None
        try:
            write_part(saved[name])
        except Exception as error:
            cause = error
        if cause or not read_part() == saved[name]:  # noqa: SIM201 - some parts say what is the same
            why = f": {type(cause).__name__}: {cause}" if cause else ""
            raise Unrestorable(
                f"a trial changed the {name} of its worker process, which cannot be taken back{why}; "
                "the worker ends and the next trial begins in another",
                "leave it as it was at the end of a trial",
            ) from cause


def stand_somewhere() -> None:
    """See that there is a working directory, if not the right one: Python and Ray fail where a trial removed theirs."""
    if _folder() is None:
        os.chdir(os.path.sep)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # It is gone.
        return None


def _write_environment(saved: Mapping[str, str]) -> None:
    for name in os.environ.keys() - saved.keys():
        del os.environ[name]
    os.environ.update(saved)


def _write_filters(saved: list[Any]) -> None:
    warnings.resetwarnings()  # Which also forgets what was shown once.
    warnings.filters[:] = saved  # type: ignore[index]


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(logger for logger in known if isinstance(logger, logging.Logger))]


class _Levels(dict[str, tuple[int, bool]]):
    """Level and ``disabled`` of each logger; one that is new is no difference: a library came with it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Levels) and all(self[name] == other[name] for name in self.keys() & other.keys())

    __hash__ = None


def _write_levels(saved: _Levels) -> None:
    for logger in _loggers():
        if logger.name in saved:
            level, logger.disabled = saved[logger.name]
            logger.setLevel(level)


def _signals() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _write_signals(saved: Mapping[int, Any]) -> None:
    for number, handler in saved.items():
        if handler is not signal.getsignal(number):
            signal.signal(number, handler)


def _write_path(saved: list[str]) -> None:
    sys.path[:] = saved


def _handlers() -> dict[str, list[logging.Handler]]:
    return {logger.name: list(logger.handlers) for logger in _loggers() if logger.handlers}


def _write_handlers(saved: Mapping[str, list[logging.Handler]]) -> None:
    """Bring the handlers of each logger back: one that a trial left would write the next one's lines to its file."""
    for logger in _loggers():
        logger.handlers[:] = saved.get(logger.name, [])


PARTS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "working directory": (_folder, os.chdir),
    "environment": (lambda: dict(os.environ), _write_environment),
    "sys.path": (lambda: list(sys.path), _write_path),
    "sys.argv": (lambda: list(sys.argv), lambda saved: setattr(sys, "argv", list(saved))),
    "recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "garbage collection": (gc.isenabled, lambda saved: gc.enable() if saved else gc.disable()),
    "signal handlers": (_signals, _write_signals),
    "warnings filters": (lambda: list(warnings.filters), _write_filters),
    "logging levels": (
        lambda: _Levels({logger.name: (logger.level, logger.disabled) for logger in _loggers()}),
        _write_levels,
    ),
    "logging threshold": (lambda: logging.root.manager.disable, logging.disable),
    "logging handlers": (_handlers, _write_handlers),
    "start method of processes": (
        lambda: multiprocessing.get_start_method(allow_none=True),
        lambda saved: multiprocessing.set_start_method(saved, force=True),
    ),
    **PYTHON_PARTS,
    **TORCH_PARTS,
}
"""What is saved before the first trial of a process and restored before each further one."""
