"""Regret over time, drawn: one panel for each problem and one over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np

from bench.score import POINTS
from bench.summary import Entries, groups

matplotlib.use("Agg")
from matplotlib import pyplot

_COLUMNS, _WIDTH, _HEIGHT = 4, 4.2, 3.2  # inches each


def draw(entries: Mapping[int, Entries], problems: Sequence[str], budget: float, path: Path) -> None:
    """Write ``path`` (PNG), ``entries`` by number of workers; a method that lacks a problem is not in the mean."""
    panels = [(workers, problem) for workers in entries for problem in ("", *problems)]
    rows = -(-len(panels) // _COLUMNS)
    figure, grid = pyplot.subplots(rows, _COLUMNS, figsize=(_COLUMNS * _WIDTH, rows * _HEIGHT), squeeze=False)
    times = np.linspace(0.0, budget, POINTS)
    colours = {name: f"C{index % 10}" for index, name in enumerate(_names(entries))}
    for axes, (workers, problem) in zip(grid.flat, panels, strict=False):
        for name, curve in _curves(entries[workers], problem).items():
            dashed = "--" if list(colours).index(name) >= 10 else "-"
            axes.plot(times, curve, dashed, color=colours[name], label=name, linewidth=1.2)
        axes.set(yscale="log", title=f"{problem or 'mean over problems'}, {workers} workers")
        axes.set(xlabel="time / mean whole training", ylabel="normalized regret")
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    grid.flat[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _names(entries: Mapping[int, Entries]) -> list[str]:
    return list(dict.fromkeys(name for of_workers in entries.values() for name in of_workers))


def _curves(entries: Entries, problem: str) -> dict[str, np.ndarray]:
    if problem:
        return {name: of_method[problem].curve for name, of_method in entries.items() if problem in of_method}
    complete = groups(entries)[0]
    return {name: np.mean([entry.curve for entry in entries[name].values()], axis=0) for name in complete}
