"""What a trial may change of Python itself, and of the process that it runs in."""

from __future__ import annotations

import locale
import os
import resource
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

HOOKS = ((sys, "excepthook"), (sys, "unraisablehook"), (sys, "displayhook"), (threading, "excepthook"))
STREAMS = ("stdin", "stdout", "stderr")
LIMITS = tuple(number for name, number in sorted(vars(resource).items()) if name.startswith("RLIMIT_"))


def _hooks() -> list[Any]:
    return [getattr(owner, name) for owner, name in HOOKS]


def _write_hooks(saved: list[Any]) -> None:
    for (owner, name), hook in zip(HOOKS, saved, strict=True):
        setattr(owner, name, hook)


def _streams() -> dict[str, tuple[Any, bool, bool]]:
    """Each stream, whether it is closed, and whether its descriptor is open; the last two are not brought back."""
    streams = {name: getattr(sys, name) for name in STREAMS}
    return {
        name: (stream, getattr(stream, "closed", True), _is_open(number))
        for number, (name, stream) in enumerate(streams.items())
    }


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _write_streams(saved: Mapping[str, tuple[Any, bool, bool]]) -> None:
    for name, (stream, _, _) in saved.items():
        setattr(sys, name, stream)


def _limits() -> dict[int, tuple[int, int]]:
    return {number: resource.getrlimit(number) for number in LIMITS}


def _write_limits(saved: Mapping[int, tuple[int, int]]) -> None:
    for number, limits in saved.items():
        if resource.getrlimit(number) != limits:
            resource.setrlimit(number, limits)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


PYTHON_PARTS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "hooks of Python": (_hooks, _write_hooks),
    "standard streams": (_streams, _write_streams),
    "limits of the process": (_limits, _write_limits),
    "umask": (_umask, os.umask),
    "switch interval": (sys.getswitchinterval, sys.setswitchinterval),
    "locale": (lambda: locale.setlocale(locale.LC_ALL), lambda saved: locale.setlocale(locale.LC_ALL, saved)),
}
"""What reads each part, as a value that can be compared, and what brings that value back."""
