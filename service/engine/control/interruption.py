"""Ctrl-C: acknowledged at once, whatever the process is doing; the second one ends the process.

It is imported before anything else of the command line: only what Python has loaded by then.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""

HEARD = "interrupted"
AGAIN = "press Ctrl-C again to end at once"


def listen() -> None:
    """From now on the first Ctrl-C says that it was heard and raises KeyboardInterrupt in the main thread."""

    def heard(number: int, frame: FrameType | None) -> None:
        _answer(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, heard)


def no_more() -> None:
    """From now on Ctrl-C interrupts nothing, as the process is about to end; a second one ends it at once."""
    if signal.getsignal(signal.SIGINT) is not end:
        signal.signal(signal.SIGINT, lambda number, frame: _answer(number))


@contextmanager
def interruptible(pause: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Context in which the first SIGINT or SIGTERM calls for a pause, in the main thread; the second ends the process.

    ``pause`` may raise, as where there is nothing to pause yet. In another thread it changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    answered: list[signal.Signals] = []

    def heard(number: int, frame: FrameType | None) -> None:
        answered.append(signal.Signals(number))
        _answer(number, "the sweep pauses, and all that is done is kept")
        pause(signal.Signals(number))

    for number in before:
        signal.signal(number, heard)
    try:
        yield
    finally:
        for number, handler in before.items():
            if number not in answered:
                signal.signal(number, handler)


def end(number: int, frame: FrameType | None) -> None:
    """Signal handler that ends the process at once, and what it has started in its session: Ray's processes.

    Some of those would outlive a process that is killed. The ledger is whole at any time.
    """
    with suppress(Exception):  # Whatever is wrong, the process ends.
        import psutil

        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error, OSError):
                if os.getsid(process.pid) == os.getsid(0):
                    process.kill()
    os._exit(128 + number)


def _answer(number: int, what: str = "") -> None:
    signal.signal(number, end)
    if number == signal.SIGINT:
        words = "; ".join(filter(None, (f"{HEARD}: {what}" if what else HEARD, AGAIN)))
        with suppress(OSError):  # Nobody reads it. A plain write, as the signal may have come amid another.
            os.write(2, f"\n{words}\n".encode())
