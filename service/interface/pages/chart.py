"""Line charts as inline SVG: no library, no script, colours from the page's style sheet (classes ``c0`` … ``c5``)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from markupsafe import Markup, escape

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 34, 54
COLORS = 6

FARTHEST, NARROWEST = 1e300, 1e-300
"""Values beyond the one are drawn there and an axis spans the other at least: a float holds no wider or finer axis."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One line: its points in order, its colour (0 to 5), whether it is dashed, and whether it holds between points."""

    label: str
    points: Sequence[Point]
    color: int = 0
    dashed: bool = False
    step: bool = False


@dataclass(frozen=True)
class AxisScale:
    """A linear map from ``[low, high]`` to ``[start, end]`` pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def chart(series: Sequence[Series], x_label: str, y_label: str, marks: Sequence[float] = ()) -> Markup:
    """The lines of ``series`` on common axes with a legend; points that are not finite are left out.

    ``marks`` are dotted vertical lines, drawn where they fall between the first and the last point.
    """
    kept = [(one, [_held(point) for point in one.points if all(map(math.isfinite, point))]) for one in series]
    kept = [(one, points) for one, points in kept if points]
    if not kept:
        return Markup('<p class="empty">nothing to draw yet</p>')
    every = list(chain.from_iterable(points for _, points in kept))
    (left, right), y_ticks = _span(p[0] for p in every), ticks(*_span(p[1] for p in every))
    x_ticks = ticks(left, right)
    x = AxisScale(x_ticks[0], right, LEFT, WIDTH - RIGHT)
    y = AxisScale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)
    parts = [
        *(_row(y(tick), text) for tick, text in zip(y_ticks, _texts(y_ticks), strict=True)),
        *(_column(x(tick), text) for tick, text in zip(x_ticks, _texts(x_ticks), strict=True) if tick <= right),
        *(_mark(x(mark)) for mark in marks if left < mark < right),
        _labels(x_label, y_label),
        *(_path(one, [(x(a), y(b)) for a, b in points]) for one, points in kept),
    ]
    title = escape(f"{y_label} over {x_label}")
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{"".join(parts)}</svg>'
    return Markup(svg + _legend([one for one, _ in kept]))


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) that span ``[low, high]``, about ``about`` of them."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    width = next(step * power for step in (1, 2, 5, 10) if step * power >= rough * 0.999)
    first, last = math.floor(low / width + 1e-9), math.ceil(high / width - 1e-9)
    return [float(f"{index * width:.12g}") for index in range(first, last + 1)]


def _span(values: Iterable[float]) -> tuple[float, float]:
    known = list(values)
    low, high = min(known), max(known)
    if high - low > max(1e-12 * max(abs(low), abs(high)), NARROWEST):
        return low, high
    room = abs(low) / 10 if abs(low) / 10 > NARROWEST else 1.0
    return low - room, high + room


def _held(point: Point) -> Point:
    x, y = (min(max(value, -FARTHEST), FARTHEST) for value in point)
    return x, y


def _texts(values: Sequence[float]) -> list[str]:
    """The values with as few digits as tell them apart, four at least."""
    for digits in range(4, 13):
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(texts):
            break
    return texts


def _mark(x: float) -> str:
    return f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'


def _row(y: float, text: str) -> str:
    grid = f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{grid}<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'


def _column(x: float, text: str) -> str:
    base = HEIGHT - BOTTOM
    line = f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{base}" y2="{base + 5}"/>'
    return f'{line}<text class="tick" x="{x:.1f}" y="{base + 20}" text-anchor="middle">{text}</text>'


def _labels(x_label: str, y_label: str) -> str:
    below = f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">'
    above = '<text class="axis" x="4" y="16">'
    return f"{below}{escape(x_label)}</text>{above}{escape(y_label)}</text>"


def _path(one: Series, points: Sequence[Point]) -> str:
    (x, y), *rest = points
    moves = "".join(f"H{a:.1f}V{b:.1f}" if one.step else f"L{a:.1f} {b:.1f}" for a, b in rest)
    style = f"line c{one.color % COLORS}" + (" dashed" if one.dashed else "")
    end, height = points[-1]
    dot = f'<circle class="dot c{one.color % COLORS}" cx="{end:.1f}" cy="{height:.1f}" r="3"/>'
    return f'<g><title>{escape(one.label)}</title><path class="{style}" d="M{x:.1f} {y:.1f}{moves}"/>{dot}</g>'


def _legend(series: Sequence[Series]) -> str:
    items = (
        f'<li><svg viewBox="0 0 24 8" aria-hidden="true"><path class="line c{one.color % COLORS}'
        f'{" dashed" if one.dashed else ""}" d="M0 4H24"/></svg>{escape(one.label)}</li>'
        for one in series
    )
    return f'<ul class="legend">{"".join(items)}</ul>'
