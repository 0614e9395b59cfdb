"""A status as people see it: the live panel of a terminal, and one plain line for a log."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from service.interface.tables import cell, duration
from service.ledger.records import DecisionRecord
from service.ledger.status import Leader, Status

MOST_RUNNERS = 12
BAR = 24
SILENT = 30.0

_COUNTS = ("reached", "running", "finished", "stopped")
_COLORS = {"RUNNING": "cyan", "SUCCEEDED": "green", "STOPPED": "green", "PAUSED": "yellow"}
_COLORS |= {"FAILED": "red", "CANCELLED": "red"}


def panel(status: Status, newest: DecisionRecord | None = None) -> RenderableType:
    """The live view: a headline, the funnel of stages, the running trials, the best so far, the newest verdict."""
    parts: list[RenderableType] = [headline(status), Text(), _funnel(status)]
    if status.running:
        parts += [Text(), _runners(status)]
    parts += [Text(), Text(best(status)), Text(budget(status))]
    if newest is not None:
        parts.append(Text(verdict(newest), style="dim"))
    return Group(*parts)


def headline(status: Status) -> Text:
    """Name, state, trials done of those planned, time gone and to go."""
    text = Text.assemble((status.name, "bold"), "  ", (status.state, _COLORS.get(status.state, "")))
    text.append(f"  {status.ended} of {status.planned} trials done  {duration(status.elapsed)}")
    if status.silence is not None and status.silence > SILENT:
        text.append(f", no sign of its head for {duration(status.silence)}", "red")
    elif status.eta is not None:
        text.append(f", about {duration(status.eta)} to go")
    return text


def line(status: Status) -> str:
    """The same on one line, for logs."""
    levels = ", ".join(f"{level.reached} reached stage {level.stage}" for level in status.funnel if level.reached)
    parts = [headline(status).plain.replace("  ", " "), levels, best(status), budget(status)]
    return " · ".join(part for part in parts if part)


def best(status: Status) -> str:
    """The best trial in words, with a warning where its value is from a coarse stage."""
    leader = status.best
    if leader is None:
        return "best: none yet, no trial has come to the end of a stage"
    return f"best {status.metric} {cell(leader.value)}: trial {leader.trial}{_caveat(leader)}{_target(status)}"


def verdict(decision: DecisionRecord) -> str:
    """What was decided on a trial at a rung, and why."""
    return f"trial {decision.trial} {decision.reason}"


def budget(status: Status) -> str:
    """The work done against full training of every trial."""
    if not status.full:
        return "budget: nothing used yet"
    return (
        f"budget {status.used:.4g} full-data epochs, {100 * status.share:.1f} % of the {status.full:.4g} "
        f"that full training of every trial would take"
    )


def _caveat(leader: Leader) -> str:
    return "" if leader.final else f" (coarse: after stage {leader.stage}, no trial has finished the last one)"


def _target(status: Status) -> str:
    return "" if status.target is None else f" (target {cell(status.target)})"


def _funnel(status: Status) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row(*(Text(word, style="dim") for word in ("stage", "data", "epochs", "", *_COUNTS)))
    widest = max(1, *(level.reached for level in status.funnel))
    for level in status.funnel:
        bar = ProgressBar(total=widest, completed=level.finished, width=max(1, BAR * level.reached // widest))
        counts = (str(getattr(level, word)) for word in _COUNTS)
        table.add_row(f"{level.stage}", f"{level.data:.4g}", f"{level.epochs}", bar if level.reached else "", *counts)
    return table


def _runners(status: Status) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row(*(Text(word, style="dim") for word in ("trial", "stage", "progress", status.metric)))
    for runner in status.running[:MOST_RUNNERS]:
        bar = ProgressBar(total=1.0, completed=runner.progress, width=BAR)
        table.add_row(str(runner.trial), str(runner.stage), bar, cell(runner.value))
    hidden = len(status.running) - MOST_RUNNERS
    if hidden > 0:
        table.add_row("…", "", f"and {hidden} more", "")
    return table
