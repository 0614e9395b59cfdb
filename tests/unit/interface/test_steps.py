"""What a command says before there is a sweep to show."""

from __future__ import annotations

import io

from rich.console import Console

from service.interface.terminal.steps import steps


def said(quiet: bool, terminal: bool) -> str:
    out = io.StringIO()
    with steps(quiet, Console(file=out, force_terminal=terminal, width=60)) as step:
        step("reading the sweep")
        step("checking [the] task")
    return out.getvalue()


def test_each_step_is_a_line_of_a_log() -> None:
    assert said(quiet=False, terminal=False) == "reading the sweep …\nchecking [the] task …\n"


def test_a_terminal_has_one_line_that_goes() -> None:
    out = said(quiet=False, terminal=True)
    assert "checking [the] task …" in out
    assert out.endswith("\x1b[2K")


def test_quiet_is_quiet() -> None:
    assert said(quiet=True, terminal=False) == said(quiet=True, terminal=True) == ""
