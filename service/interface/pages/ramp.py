"""The page of a ramp test: the loss over the learning rate, as one HTML file that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from markupsafe import escape

from service.interface.pages.chart import Series, chart

STYLE = """
body { margin: 2rem auto; max-width: 46rem; padding: 0 1.2rem; font: 15px/1.5 system-ui, sans-serif; color: #1c2430; }
svg { width: 100%; height: auto; display: block; } text { font-size: 12px; fill: #667; }
.grid { stroke: #dde2e8; } .mark { stroke: #667; stroke-dasharray: 1 4; } .line { fill: none; stroke-width: 2; }
.line.c0 { stroke: #2a6fbb; } .dot.c0 { fill: #2a6fbb; } .line.c5 { stroke: #bbc; } .dot.c5 { fill: #bbc; }
.legend { display: flex; gap: 1.2rem; padding: 0; list-style: none; font-size: 13px; }
.legend svg { display: inline-block; width: 24px; height: 8px; margin-right: .4rem; }
"""
HIGHEST = 3.0
"""Losses beyond so many times the first one are not drawn: they would flatten all the others."""


def write(
    path: Path, name: str, rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], advice: str
) -> Path:
    """Writes the page of the sweep ``name`` to ``path`` (its folder is made if missing) and returns it.

    Raises:
        OSError: the file cannot be written.
    """
    most = HIGHEST * abs(losses[0]) if losses else 0.0
    lines = [
        Series(
            label,
            [(math.log10(rate), value) for rate, value in zip(rates, values, strict=True) if value <= most],
            color,
        )
        for label, values, color in (("loss of each batch", losses, 5), ("smoothed", smoothed, 0))
    ]
    drawn = chart(lines, "learning rate, as a power of ten", "training loss")
    title = f"{escape(name)}: ramp of the learning rate"
    page = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{drawn}\n<p>{escape(advice)}</p>\n</body>\n</html>\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path
