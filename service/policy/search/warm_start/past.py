"""Trials of another sweep or an earlier round (a warm start's data), and their coordinates in this space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.policy.narrowing.axis import Axis
from service.policy.observation import Observation
from service.spec.space.parameter import Parameter
from service.spec.space.space import Space

TRUST = 0.5
"""Rank correlation with another sweep that is assumed before any is measured."""

SAME = 0.9
"""The same for an earlier round of this sweep."""

FAR = 0.1
"""Fraction of a range by which a value may lie outside it and still be moved to the bound."""


@dataclass(frozen=True)
class Past:
    """The trials ``observations`` of the sweep (or rounds) ``name``, with values of this sweep's metric.

    ``goal`` is maximize or minimize. Values are comparable within a stage of this past only, as its stages need not be
    those of the sweep that learns from it. ``trust`` is the rank correlation, from 0 to 1, that is assumed between its
    scores and this sweep's before any is measured.
    """

    name: str
    observations: Sequence[Observation]
    goal: str
    trust: float = TRUST


def coordinates(space: Space, config: Mapping[str, Any]) -> dict[str, float] | None:
    """The unit coordinates of the parameters that ``space`` and a flat config of another sweep have in common.

    A value just outside a range (`FAR`) is moved to the bound; inactive parameters are left out. None if a value does
    not lie in ``space``.
    """
    units: dict[str, float] = {}
    for parameter in space.parameters:
        if parameter.name in config:
            unit = _coordinate(parameter, config[parameter.name])
            if unit is None:
                return None
            units[parameter.name] = unit
    values = {p.name: p.sampler.from_unit(units[p.name]) for p in space.parameters if p.name in units}
    return {p.name: units[p.name] for p in space.active(values) if p.name in units}


def _coordinate(parameter: Parameter, value: Any) -> float | None:
    try:
        return parameter.sampler.to_unit(value)
    except ValueError:
        pass
    if parameter.sampler.count == 1 or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    axis = Axis.of(parameter)
    if axis is None:
        return None
    try:
        position = axis.position(value)
    except ValueError:  # no logarithm
        return None
    return min(max(position, 0.0), 1.0) if -FAR <= position <= 1.0 + FAR else None
