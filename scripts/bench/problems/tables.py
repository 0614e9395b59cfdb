"""A comparison as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.summary import Entries, Overall

_REGRET = ("10 %", "25 %", "50 %", "100 %")
_COST = ("CPU ms median", "p99", "CPU s/run")


def of_problem(problem: str, workers: int, entries: Entries) -> Table:
    """Each method that ran on ``problem``, the best mean first."""
    title = f"{problem}, {workers} workers: normalized regret at shares of the budget"
    columns = ("method", "seeds", *_REGRET, "mean", "95 %", "top 1 % (runs)", *_COST)
    table = _table(title, columns)
    here = {method: of_method[problem] for method, of_method in entries.items() if problem in of_method}
    for method, entry in sorted(here.items(), key=lambda pair: pair[1].mean):
        figures = entry.plain()
        when = "never" if figures["top_time"] is None else f"{figures['top_time']:.2f} ({figures['top_runs']})"
        table.add_row(method, str(figures["seeds"]), *_regrets(figures), when, *_costs(figures))
    return table


def of_all(workers: int, overall: Overall) -> Table:
    """The overall comparison of one group of methods."""
    title = f"{len(overall.problems)} problems, {workers} workers: means over problems"
    table = _table(title, ("method", *_REGRET, "mean", "95 %", "rank", "top 1 %", "time", *_COST))
    for method, row in overall.rows.items():
        time = "" if row["top_time"] is None else f"{row['top_time']:.2f}"
        table.add_row(method, *_regrets(row), f"{row['rank']:.2f}", f"{row['top_share']:.0%}", time, *_costs(row))
    return table


def show(table: Table) -> None:
    """Print it, wide enough for all columns also where the output is a file."""
    Console(width=160).print(table)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for name in columns:
        table.add_column(name, justify="left" if name == "method" else "right")
    return table


def _regrets(figures: dict[str, Any]) -> list[str]:
    low, high = figures["interval"]
    shares = [f"{value:.3f}" for name, value in figures.items() if name.startswith("regret_")]
    return [*shares, f"{figures['mean']:.3f}", f"{low:.3f} .. {high:.3f}"]


def _costs(figures: dict[str, Any]) -> list[str]:
    return [
        f"{figures['cpu_median_s'] * 1e3:.2f}",
        f"{figures['cpu_p99_s'] * 1e3:.1f}",
        f"{figures['cpu_run_s']:.1f}",
    ]
