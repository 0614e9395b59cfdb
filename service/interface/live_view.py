"""Watching a sweep while its head runs: a thread reads the ledger and shows what it says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live

from service.interface.source import Source
from service.interface.text import status_view
from service.ledger.records import DecisionRecord
from service.ledger.results.status import Status

LINE_INTERVAL = 10.0
COST = 0.1


class Screen(Protocol):
    """The display of a status."""

    def show(self, status: Status, decisions: Sequence[DecisionRecord]) -> None:
        """Shows ``status``; ``decisions`` are all there are, oldest first."""

    def close(self) -> None:
        """Leaves the last view standing."""


class Panel:
    """A terminal: one view that is drawn over again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)
        self._live.start()

    def show(self, status: Status, decisions: Sequence[DecisionRecord]) -> None:
        newest = decisions[-1] if decisions else None
        self._live.update(status_view.panel(status, newest, self._console.height, self._console.width), refresh=True)

    def close(self) -> None:
        self._live.stop()


class Lines:
    """A log: a line for each verdict at a rung, and a summary every ten seconds.

    What was decided before this head began is history and not shown again.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: int | None = None
        self._next = 0.0
        self._newest = self._printed = ""

    def show(self, status: Status, decisions: Sequence[DecisionRecord]) -> None:
        for decision in decisions[len(decisions) if self._shown is None else self._shown :]:
            self._print(status_view.verdict(decision))
        self._shown = len(decisions)
        self._newest = status_view.line(status)
        if time.monotonic() >= self._next:
            self._print_newest()
            self._next = time.monotonic() + LINE_INTERVAL

    def close(self) -> None:
        """Print how it stands at the end, if that was not said."""
        if self._newest != self._printed:
            self._print_newest()

    def _print_newest(self) -> None:
        self._print(self._newest)
        self._printed = self._newest

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def watch(name: str, source: Source, console: Console | None = None, screen: Screen | None = None) -> Iterator[None]:
    """Shows the sweep ``name`` while the body runs: on ``screen``, else as a live panel on a terminal or lines.

    The view only reads. Should it break, the sweep goes on and the view says once that it is gone.
    """
    screen = screen or _screen(console)
    over = threading.Event()
    viewer = threading.Thread(target=_view, args=(name, source, screen, over), name="sieve-view", daemon=True)
    viewer.start()
    try:
        yield
    finally:
        over.set()
        viewer.join()
        screen.close()


def follow(name: str, source: Source, console: Console | None = None) -> None:
    """The same view of a sweep that others run, until it is no longer under way.

    Raises:
        UnknownSweep: there is no such sweep, or no longer.
    """
    screen = _screen(console)
    try:
        while True:
            live, took = source.standing(name).live, _look(name, source, screen)
            if not live:
                break
            time.sleep(max(source.pace, took / COST))
    finally:
        screen.close()


def _screen(console: Console | None) -> Screen:
    console = console or Console()
    return Panel(console) if console.is_terminal else Lines(console)


def _look(name: str, source: Source, screen: Screen) -> float:
    """Shows the sweep as it is now; how many seconds that took."""
    began = time.monotonic()
    screen.show(source.status(name), source.verdicts(name))
    return time.monotonic() - began


def _view(name: str, source: Source, screen: Screen, over: threading.Event) -> None:
    try:
        pause = 0.0
        while not over.wait(pause):
            # a long history takes long to read: never more than a tenth of the head's time
            pause = max(source.pace, _look(name, source, screen) / COST)
        _look(name, source, screen)
    except Exception as error:
        Console(stderr=True).print(f"the live view is gone ({error}); the sweep goes on", markup=False)
