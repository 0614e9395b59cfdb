"""Charts as SVG."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.interface.pages.chart import HEIGHT, RIGHT, WIDTH, Series, chart, ticks


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{markup}</div>")


def test_each_series_is_a_line_named_in_the_legend() -> None:
    root = parsed(chart([Series("a <b>", [(0, 1), (1, 2)]), Series("c", [(0, 2)], dashed=True)], "epoch", "loss"))
    assert [item.text or item[0].tail for item in root.iter("li")] == ["a <b>", "c"]
    assert [title.text for title in root.iter("title")] == ["a <b>", "c"]
    assert sum("dashed" in path.get("class", "") for path in root.iter("path")) == 2


def test_a_higher_value_is_drawn_higher() -> None:
    root = parsed(chart([Series("a", [(0, 1), (1, 2)])], "x", "y"))
    move = next(path.get("d", "") for path in root.iter("path") if "L" in path.get("d", ""))
    numbers = [float(number) for number in re.findall(r"[\d.]+", move)]
    assert numbers[0] < numbers[2]
    assert numbers[1] > numbers[3]


@pytest.mark.parametrize("points", [[], [(0.0, math.nan)], [(0.0, math.inf)]])
def test_nothing_to_draw_is_said(points: list[tuple[float, float]]) -> None:
    assert "nothing to draw" in chart([Series("a", points)], "x", "y")


@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2), min_size=1, max_size=8))
@example([(0.0, 1.7e308), (1.0, -1.7e308)])
@example([(0.0, 5e-324), (5e-324, 0.0)])
def test_every_finite_point_lies_inside(points: list[tuple[float, float]]) -> None:
    drawn = chart([Series("a", points, step=True)], "x", "y")
    assert "nan" not in drawn
    assert "inf" not in drawn
    root = parsed(drawn)
    dot = next(root.iter("circle"))
    assert 0 <= float(dot.get("cx", "-1")) <= WIDTH
    assert 0 <= float(dot.get("cy", "-1")) <= HEIGHT


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0.93, 0.985, [0.92, 0.94, 0.96, 0.98, 1.0])],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == expected


def test_tick_labels_are_told_apart_and_the_axis_ends_with_the_data() -> None:
    root = parsed(chart([Series("a", [(0, 0.98761), (33, 0.98765)])], "epoch", "accuracy"))
    labels = [text.text for text in root.iter("text") if text.get("class") == "tick"]
    assert len(set(labels)) == len(labels)
    assert labels[-1] == "30"
    assert float(next(root.iter("circle")).get("cx", "0")) == WIDTH - RIGHT


def test_marks_are_drawn_inside_the_data_only() -> None:
    markup = chart([Series("a", [(1, 1), (5, 2)])], "x", "y", marks=[0, 1, 3, 5, 9])
    assert markup.count('class="mark"') == 1


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_span_the_values(low: float, width: float) -> None:
    made = ticks(low, low + width)
    slack = 1e-9 * max(abs(low), abs(low + width), 1)
    assert made[0] <= low + slack
    assert made[-1] >= low + width - slack
    assert 2 <= len(made) <= 8
