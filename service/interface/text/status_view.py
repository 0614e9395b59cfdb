"""A status as people see it: the live panel of a terminal, and one plain line for a log."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.align import Align
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from service.interface.text.tables import cell, duration
from service.ledger.records import DecisionRecord, WorthRecord
from service.ledger.results.status import Leader, Status
from service.states import NODE_DECISIONS, SWEEP_OVER, SweepState

MOST_RUNNERS = 12
MOST_SILENT = 3
VERDICT_LINES = 2
BAR = 20
WIDE = 80
"""Columns from which on there is room for bars."""
NARROW = 56
"""Columns below which the funnel has nothing but its counts."""
SILENT = 30.0

_COUNTS = ("reached", "running", "finished", "stopped")
_COLORS: dict[SweepState, str] = {
    "RUNNING": "cyan",
    "SUCCEEDED": "green",
    "STOPPED": "green",
    "PAUSED": "yellow",
    "FAILED": "red",
    "CANCELLED": "red",
}


def panel(
    status: Status, newest: DecisionRecord | None = None, height: int | None = None, width: int = WIDE
) -> RenderableType:
    """The live view: a headline, the best so far, the funnel of stages, the newest verdict, the running trials.

    Rows that come and go are last, so that none above moves. ``height`` is the number of lines there are: trials
    that would not fit are counted instead. On fewer columns than ``width`` = 80 bars give way to numbers.
    """
    words = [Text(best(status)), Text(budget(status)), *map(Text, filter(None, [limits(status)]))]
    words.append(Text(forecast(status)))
    told = [headline(status), *words, Text()]
    parts: list[RenderableType] = [*told, _funnel(status, width)]
    lines = sum(max(1, math.ceil(text.cell_len / width)) for text in told) + 1 + len(status.funnel)
    if newest is not None:
        parts += [Text(), Align(Text(verdict(newest), style="dim"), height=VERDICT_LINES)]
        lines += 1 + VERDICT_LINES
    if status.running:
        quiet = [Text(words, style="yellow") for words in silences(status)[:MOST_SILENT]]
        # a gap, the heads and the line that counts
        room = MOST_RUNNERS if height is None else height - lines - 3 - len(quiet)
        parts += [Text(), _runners(status, max(1, min(MOST_RUNNERS, room)), width)]
        parts += quiet
    return Group(*parts)


def headline(status: Status) -> Text:
    """Name, state, trials done of those planned, time gone and to go."""
    text = Text.assemble((status.name, "bold"), "  ", (status.state, _COLORS.get(status.state, "")))
    if status.simulated:
        text.append(" (simulated)")
    if status.rounds > 1:
        text.append(f"  round {status.round}" + (", the last" if status.round + 1 == status.rounds else ""))
    text.append(f"  {status.ended} of {status.planned} trials done")
    if waiting := status.counts.get("PAUSED"):
        text.append(f", {waiting} paused")
    if failed := status.counts.get("FAILED"):
        text.append(f", {failed} failed", "red")
    text.append(f"  {duration(status.elapsed)}")
    if status.silence is not None and status.silence > SILENT:
        text.append(f", no sign of its head for {duration(status.silence)}", "red")
    elif status.eta is not None and status.eta >= 1:
        text.append(f", about {duration(status.eta)} to go")
    return text


def line(status: Status) -> str:
    """The same on one line, for logs."""
    levels = ", ".join(f"{level.reached} reached stage {level.stage}" for level in status.funnel if level.reached)
    parts = [
        headline(status).plain.replace("  ", " · "),
        levels,
        best(status),
        budget(status),
        limits(status),
        forecast(status),
        *silences(status),
    ]
    return " · ".join(part for part in parts if part)


def silences(status: Status) -> list[str]:
    """A line for each trial that has reported nothing for long."""
    return [f"trial {runner.trial} is {runner.silence}" for runner in status.running if runner.silence]


def best(status: Status) -> str:
    """The best trial in words, with a warning where its value is from a coarse stage."""
    leader = status.best
    if leader is None and status.state == "RUNNING" and not status.counts:
        return "starting workers: no trial trains yet"
    if leader is None:
        return "best: none yet, no trial has come to the end of a stage"
    said = f" ({caveat(leader)})" if caveat(leader) else ""
    return f"best {status.metric} {cell(leader.value)}: trial {leader.trial}{said}{_target(status)}"


def verdict(decision: DecisionRecord) -> str:
    """The verdict on a trial at a rung, and its reason."""
    whose = "the sweep" if decision.verdict == "yield" else f"trial {decision.trial}"
    return f"{whose} {decision.reason}"


def budget(status: Status) -> str:
    """The work done against full training of every planned trial; of those begun, where a sweep ended with fewer."""
    if not status.used:
        return "budget: nothing used yet"
    share = f"{100 * status.share:.1f} % of the {status.full:.4g} for all {status.planned} trials in full"
    if status.state in SWEEP_OVER and status.full_begun < 0.999 * status.full:
        share += f", {100 * status.used / status.full_begun:.1f} % of the {status.full_begun:.4g} for those begun"
    return f"budget {status.used:.4g} full-data epochs, {share}"


def limits(status: Status) -> str:
    """The used part of each budget that the spec has; empty if it has none."""
    used = ", ".join(f"{_bare(one.name, one.used)} of {_amount(one.name, one.limit)}" for one in status.limits)
    return f"used {used}" if used else ""


def forecast(status: Status) -> str:
    """The forecast of the remaining work, and which budget ends it; empty while nothing can be said."""
    rest = status.rest
    if rest is None:
        return ""
    trials = "1 trial" if rest.trials == 1 else f"{rest.trials} trials"
    amounts = [trials, _amount("epochs", rest.epochs)]
    if rest.gpu_hours:
        amounts.append(_amount("gpu_hours", rest.gpu_hours))
    ends = "" if rest.ends is None else f"; budget.{rest.ends} ends it"
    return f"to come: about {', '.join(amounts)}{ends}"


def appraised(records: Sequence[WorthRecord]) -> list[str]:
    """A line for each stage whose worth is known: the newest of ``records`` in words."""
    newest = {record.stage: record.advice for record in records}
    return [f"stage {stage} {words}" for stage, words in sorted(newest.items())]


def avoided(decisions: Sequence[DecisionRecord]) -> list[str]:
    """A line for each node that gets no trials any more, with the reason."""
    about = [one for one in decisions if one.verdict in NODE_DECISIONS]
    newest = {one.numbers["node"]: one for one in about}
    return [
        f"node {one.numbers['name']} is avoided: trial {one.trial} {one.reason}"
        for one in newest.values()
        if one.verdict == "avoid"
    ]


def _amount(name: str, amount: float) -> str:
    """An amount of a budget of the spec in words."""
    if name == "time":
        return duration(amount)
    return f"{amount:.4g} {'GPU hours' if name == 'gpu_hours' else 'epochs'}"


def _bare(name: str, amount: float) -> str:
    """The same without the unit, where another amount with it follows."""
    return duration(amount) if name == "time" else f"{amount:.4g}"


def caveat(leader: Leader) -> str:
    """What must be said of a value that is not from the end of the last stage; empty for one that is."""
    if leader.epochs is not None:
        return f"after {leader.epochs} epoch{'s' * (leader.epochs != 1)} of the last stage, not at its end"
    return "" if leader.final else f"coarse: after stage {leader.stage} only"


def _target(status: Status) -> str:
    return "" if status.target is None else f" (target {cell(status.target)})"


def _funnel(status: Status, width: int) -> Table:
    plan = ("stage", "data", "epochs") if width >= NARROW else ("stage",)
    table = _grid((*plan, *([""] if width >= WIDE else []), *_COUNTS))
    widest = max(1, *(level.reached for level in status.funnel))
    for level in status.funnel:
        cells: list[RenderableType] = [_plain(getattr(level, word)) for word in plan]
        if width >= WIDE:
            room = max(1, BAR * level.reached // widest)
            bar = ProgressBar(total=max(1, level.reached), completed=level.finished + level.stopped, width=room)
            cells.append(bar if level.reached else "")
        table.add_row(*cells, *(_plain(getattr(level, word)) for word in _COUNTS))
    return table


def _plain(number: float) -> str:
    return f"{number:.4g}" if isinstance(number, float) else str(number)


def _runners(status: Status, most: int, width: int) -> Table:
    wide = width >= WIDE
    table = _grid(("trial", "stage", "" if wide else "done", status.metric))
    for runner in status.running[:most]:
        bar = ProgressBar(total=1.0, completed=runner.progress, width=BAR)
        done = bar if wide else f"{100 * runner.progress:.0f} %"
        table.add_row(str(runner.trial), str(runner.stage), done, cell(runner.value))
    hidden = len(status.running) - most
    if hidden > 0:
        table.add_row("…", "", f"and {hidden} more", "")
    return table


def _grid(heads: Sequence[str]) -> Table:
    """Numbers to the right; the column without a head is for bars and never changes its width."""
    table = Table.grid(padding=(0, 2))
    for head in heads:
        table.add_column(justify="right" if head else "left", min_width=len(head) or BAR, no_wrap=True)
    table.add_row(*(Text(head, style="dim") for head in heads))
    return table
