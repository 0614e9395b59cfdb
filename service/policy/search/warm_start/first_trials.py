"""First trials of a warm start: the best configs of the past sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from service.policy import limits
from service.policy.search.random_draw import draw
from service.policy.search.warm_start.lesson import Lesson
from service.spec import Spec

MOST = 3
"""Configs of each past sweep at most."""

FRACTION = 0.25
"""Fraction of all trials that configs of past sweeps may take together."""

APART = 0.05
"""Configs are distinct if some unit coordinate differs by this much."""


def openings(spec: Spec, lessons: Sequence[Lesson]) -> list[tuple[str, Mapping[str, Any]]]:
    """(name of the past sweep, flat config) of the trials that follow ``search.initial`` (Optuna: ``enqueue_trial``).

    The best of every sweep in ``search.warm_start`` come first, then the second best: at most `MOST` of each sweep and
    `FRACTION` of all trials. Parameters that a config lacks are drawn at random.
    """
    named = {lesson.past.name: lesson for lesson in reversed(lessons) if lesson.past.name in spec.search.warm_start}
    found = [[(name, units) for units in _distinct(named[name])] for name in spec.search.warm_start if name in named]
    in_turn = [one for one in chain.from_iterable(zip_longest(*found)) if one is not None]
    trials = limits.max_trials(spec)
    before = len(spec.search.initial)
    chosen = in_turn if trials is None else in_turn[: int(FRACTION * trials)]
    return [(name, _config(spec, units, before + n)) for n, (name, units) in enumerate(chosen, start=1)]


def _distinct(lesson: Lesson) -> list[Mapping[str, float]]:
    kept: list[Mapping[str, float]] = []
    for units in lesson.sound:
        if len(kept) < MOST and all(_differ(units, other) for other in kept):
            kept.append(units)
    return kept


def _differ(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return one.keys() != other.keys() or any(abs(unit - other[name]) >= APART for name, unit in one.items())


def _config(spec: Spec, units: Mapping[str, float], number: int) -> Mapping[str, Any]:
    values = {p.name: p.sampler.from_unit(units[p.name]) for p in spec.space.parameters if p.name in units}
    return spec.space.complete(values, draw(spec.space, spec.search.seed, number))
