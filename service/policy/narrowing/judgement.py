"""Narrowing of one parameter: the range or categories of the next round, by the values of good trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from service.policy.narrowing.axis import Axis
from service.policy.narrowing.significance import SIGNIFICANT, avoidance, difference
from service.spec.space.parameter import Parameter
from service.spec.space.samplers import Values, same

FEWEST = 5
"""Fewest good trials, or trials with one category, by which anything is narrowed."""

TRIM = 0.1
MARGIN = 0.25
"""Widening of the range of the good values (without the lowest and highest tenth) on each side, as a fraction of it."""

NARROWEST = 0.25
WHOLE = 0.9
"""A new range that spans this fraction of the old one is no change; it spans a quarter of the old one at least."""

EDGE = 0.05
RIM = 0.1
"""Good values gather at an end: the best lies in the last twentieth of the range, or half of all in the last tenth."""

ALL = ", which is nearly all of it"

BEYOND = 0.5
"""How far the new range reaches past such an end, as a fraction of what it spans inside."""


@dataclass(frozen=True)
class Judgement:
    """The arguments of a parameter's sampler in the next round, and the reason in words."""

    args: tuple[Any, ...]
    reason: str


def judge(parameter: Parameter, good: Sequence[Any], others: Sequence[Any]) -> Judgement:
    """The sampler arguments of ``parameter`` in the next round, from its values in good trials and in the others.

    ``good`` is in order, the best first. All values stay unless good trials differ from others with a p-value of at
    most `SIGNIFICANT`. Ranges are judged on their own scale (linear, log); the best trial's value always stays.
    """
    sampler = parameter.sampler
    if sampler.count == 1:
        return Judgement(parameter.args, "has a single value")
    if isinstance(sampler, Values):
        return _categories(parameter, good, others)
    axis = Axis.of(parameter)
    ours, theirs = ([axis.position(v) if axis else float(v) for v in values] for values in (good, others))
    chance = difference(ours, theirs)
    if chance >= SIGNIFICANT:
        return Judgement(parameter.args, f"{_best(good, others)} spread like the others (p = {chance:.2f})")
    args, reason = _normal(parameter, ours) if axis is None else _interval(parameter, axis, ours)
    return Judgement(args, f"{_best(good, others)} lie in {_span(min(good), max(good))}{reason}")


def _interval(parameter: Parameter, axis: Axis, good: Sequence[float]) -> tuple[tuple[Any, ...], str]:
    """The arguments of the part of ``axis`` around the good positions, and words for the reason."""
    start, end = _core(good)
    down, up = _gathers(good), _gathers([1.0 - position for position in good])
    start = 0.0 if down else min(max(start, 0.0), 1.0 - NARROWEST)
    end = 1.0 if up else max(min(end, 1.0), NARROWEST)
    if not (down or up) and end - start >= WHOLE:
        return parameter.args, ALL
    beyond = BEYOND * (end - start)
    low, high = axis.within(start - beyond if down else start, end + beyond if up else end)
    reason = ""
    for gathers, word, moved in ((down, "lower", low < axis.low), (up, "upper", high > axis.high)):
        if gathers:
            reason += f", at the {word} end, " + ("so it reaches farther" if moved else "which it does not pass")
    if (low, high) == (axis.low, axis.high):
        return parameter.args, reason or ALL
    return axis.args(parameter, low, high), f"{reason}; was {_span(axis.value(axis.low), axis.value(axis.high))}"


def _core(good: Sequence[float]) -> tuple[float, float]:
    """The interval of most good positions with margins; it includes the best one, which is the first."""
    start, end = (float(q) for q in np.quantile(good, [TRIM, 1.0 - TRIM]))
    start, end = min(start, good[0]), max(end, good[0])
    margin = max(MARGIN * (end - start), (NARROWEST - (end - start)) / 2)
    return start - margin, end + margin


def _gathers(good: Sequence[float]) -> bool:
    """Whether good positions, best first, lie so close to 0 (`RIM`) that the range should reach past it."""
    return good[0] <= EDGE or 2 * sum(position <= RIM for position in good) >= len(good)


def _normal(parameter: Parameter, good: Sequence[float]) -> tuple[tuple[Any, ...], str]:
    """The arguments of a normal distribution of which 90 % lie in the interval of the good values, with margins."""
    mean, sd, *step = parameter.args
    start, end = _core([(value - mean) / sd for value in good])
    middle, spread = (start + end) / 2, (end - start) / (2 * NormalDist().inv_cdf(0.95))
    if spread >= WHOLE and abs(middle) <= RIM:
        return parameter.args, ALL
    narrow = max([sd * min(max(spread, NARROWEST), 1.0), *step])
    digits = 1 - math.floor(math.log10(narrow))
    args = (round(mean + middle * sd, digits), round(narrow, digits), *step)
    return args, f"; was {mean:g} ± {sd:g}"


def _categories(parameter: Parameter, good: Sequence[Any], others: Sequence[Any]) -> Judgement:
    """The listed values without those that are significantly rare among good trials; the best trial's value stays."""
    kept, gone, total = [], [], len(good) + len(others)
    for item in parameter.args:
        hits = sum(same(item, value) for value in good)
        seen = hits + sum(same(item, value) for value in others)
        avoided = seen >= FEWEST and avoidance(hits, len(good), seen, total) < SIGNIFICANT
        if avoided and not same(item, good[0]):
            gone.append(f"{item!r} goes, {hits} of the {seen} trials with it are among {_best(good, others)}")
        else:
            kept.append(item)
    reason = "; ".join(gone) or f"no value is clearly rarer among {_best(good, others)}"
    return Judgement(tuple(kept), reason)


def _best(good: Sequence[Any], others: Sequence[Any]) -> str:
    return f"the best {len(good)} of {len(good) + len(others)}"


def _span(low: Any, high: Any) -> str:
    return " .. ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in (low, high))
