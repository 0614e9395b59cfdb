"""The corners of a search space: configs at its bounds, which break first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from service.spec import Spec
from service.spec.flat import nest
from service.spec.space.parameter import Parameter
from service.spec.space.samplers import same
from service.spec.space.space import Space
from trainables.probe.evidence import Corner, Swept

MOST = 32
"""Corners that are tried at most."""
LISTED = 6
"""Values of a choice that are all tried; of a longer one, the first and the last."""


EXTREMES = {"all parameters low": 0.0, "all parameters high": 1.0}


def corners(spec: Spec) -> tuple[Corner, ...]:
    """The config in the middle, the lowest and the highest one, and that in the middle with one parameter at its ends.

    The middle is that of each parameter's own scale, but for what the first of ``search.initial`` says. A conditional
    parameter comes with the values that its condition asks for. No config comes twice, and at most `MOST` come.
    """
    found: dict[str, Corner] = {}
    for name, config in _configs(spec.space, spec.search.initial[0] if spec.search.initial else {}):
        key = json.dumps(config, sort_keys=True)
        if key not in found or found[key].name in EXTREMES:  # Better the name of the one parameter.
            found[key] = Corner(name, nest(config))
    return tuple(found.values())[:MOST]


def swept(spec: Spec) -> tuple[Swept, ...]:
    """Each parameter with the config in the middle at its ends, or at each of a few listed values.

    A conditional parameter comes with the values that its condition asks for.
    """
    initial = spec.search.initial[0] if spec.search.initial else {}
    middle = {**{p.name: p.sampler.from_unit(0.5) for p in spec.space.parameters}, **spec.space.check(initial)}
    found = []
    for parameter in spec.space.parameters:
        configs = {_spoken(value): _with(spec.space, parameter, middle, value) for value in _ends(parameter)}
        if len(configs) > 1:
            found.append(Swept(parameter.name, tuple(Corner(name, nest(config)) for name, config in configs.items())))
    return tuple(found)


def _with(space: Space, parameter: Parameter, values: Mapping[str, Any], value: Any) -> dict[str, Any]:
    return space.prune({**_activated(space, parameter, values), parameter.name: value})


def _configs(space: Space, initial: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    middle = {**{p.name: p.sampler.from_unit(0.5) for p in space.parameters}, **space.check(initial)}
    yield "the middle", space.prune(middle)
    for name, unit in EXTREMES.items():
        yield name, space.from_unit([unit] * space.dimension)
    for parameter in space.parameters:
        for value in _ends(parameter):
            yield f"{parameter.name} = {_spoken(value)}", _with(space, parameter, middle, value)


def _ends(parameter: Parameter) -> list[Any]:
    sampler = parameter.sampler
    if sampler.count is not None and sampler.count <= LISTED and parameter.kind in ("choice", "grid_search"):
        return sampler.values()
    return [sampler.from_unit(0.0), sampler.from_unit(1.0)]


def _activated(space: Space, parameter: Parameter, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with those that the conditions of ``parameter`` ask for."""
    by_name = {p.name: p for p in space.parameters}
    changed = dict(values)
    for name, allowed in parameter.when.items():
        changed = _activated(space, by_name[name], changed)
        if not any(same(changed[name], value) for value in allowed):
            changed[name] = allowed[0]
    return changed


def _spoken(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
