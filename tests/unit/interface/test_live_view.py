"""Watching a real ledger while something writes it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from service.interface import live_view
from service.interface.source.local import LocalSource
from service.ledger import Store
from service.ledger.records import Batch, DecisionRecord


def until(said: Callable[[], str], word: str) -> None:
    deadline = time.monotonic() + 20
    while word not in said():
        assert time.monotonic() < deadline, said()
        time.sleep(0.02)


@pytest.fixture
def text() -> io.StringIO:
    return io.StringIO()


def test_a_log_gets_a_summary_and_a_line_per_new_verdict(store: Store, home: Path, text: io.StringIO) -> None:
    with live_view.watch("toy", LocalSource(home), Console(file=text, force_terminal=False, width=40)):
        until(text.getvalue, "3 of 6 trials done")
        verdict = DecisionRecord(3, 1, "finish", "finished the last stage", {}, 9.0)
        store.append("toy", 1, Batch(decisions=[verdict]))
        until(text.getvalue, "trial 3 finished the last stage\n")
    assert "rank 2 of 2" not in text.getvalue(), "verdicts of earlier heads are history"
    assert text.getvalue().count("trials done") == 1, "one summary in ten seconds"


def test_a_terminal_gets_a_panel(store: Store, home: Path, text: io.StringIO) -> None:
    with live_view.watch("toy", LocalSource(home), Console(file=text, force_terminal=True, width=100)):
        until(text.getvalue, "3 of 6 trials done")
    assert "\x1b[" in text.getvalue()


def test_what_happened_last_is_shown_before_the_view_closes(store: Store, home: Path, text: io.StringIO) -> None:
    with live_view.watch("toy", LocalSource(home), Console(file=text, force_terminal=True, width=100)):
        until(text.getvalue, "RUNNING")
        store.end("toy", 1, "PAUSED", "interrupted")
    assert "PAUSED" in text.getvalue()


def test_a_broken_view_does_not_touch_the_sweep(
    home: Path, text: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    with live_view.watch("nothing", LocalSource(home), Console(file=text, force_terminal=False)):
        reached = True
    assert reached
    assert "the live view is gone" in capsys.readouterr().err


def test_an_error_of_the_sweep_comes_through(store: Store, home: Path, text: io.StringIO) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        live_view.watch("toy", LocalSource(home), Console(file=text, force_terminal=True)),
    ):
        raise ZeroDivisionError


def test_the_last_line_says_how_it_ended(store: Store, home: Path, text: io.StringIO) -> None:
    with live_view.watch("toy", LocalSource(home), Console(file=text, width=200)):
        store.end("toy", store.sweep("toy").attempt, "STOPPED", "enough")
    said = text.getvalue().splitlines()
    assert said[-1].startswith("toy · STOPPED · ")
    assert said[-1] not in said[:-1]
