"""`Space`: the search space (Ray Tune: ``param_space``), with the map to the unit cube and back."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from service.spec.errors import SpecError, Violation, listing, nearest
from service.spec.flat import nest
from service.spec.space.parameter import Parameter, When
from service.spec.space.parse import CONSTANT, WHEN, misnamed, parse
from service.spec.space.samplers import same

#: Most points of a grid.
LARGEST_GRID = 100_000


@dataclass(frozen=True)
class Space:
    """A search space over flat names (``optimizer/lr``).

    ``parameters`` in the order of their coordinates; ``constants`` by name; ``conditions`` of the constants that have
    one. All configs here are flat; `flat.nest` makes the nested config of a task.
    """

    parameters: tuple[Parameter, ...]
    constants: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, When] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: Any) -> Space:
        """The space that ``raw`` describes, in YAML form or with Tune domains; see `parse.parse`.

        Raises:
            SpecError: with every violation.
        """
        parsed = parse(raw)
        return cls(parsed.parameters, parsed.constants, parsed.conditions)

    @property
    def dimension(self) -> int:
        """Number of coordinates of a point: one per parameter, conditional ones included."""
        return len(self.parameters)

    def from_unit(self, point: Sequence[float]) -> dict[str, Any]:
        """The config at ``point``, one coordinate in [0, 1] per parameter, clipped; inactive parameters left out.

        Raises:
            ValueError: the point has another dimension or holds NaN.
        """
        return self.prune(self._values(point))

    def to_unit(self, config: Mapping[str, Any]) -> list[float | None]:
        """The coordinates of a config; None for inactive parameters.

        ``from_unit(to_unit(config)) == config`` for every config that `from_unit` makes. Real numbers given by a
        person come back exactly as long as they have at most 12 significant digits (of the width of a uniform range,
        of the value on a log scale; 7 digits of the standard deviation for ``randn``, within 5.6 of them).

        Raises:
            SpecError: an active parameter is missing or its value outside the space.
        """
        return [self._coordinate(p, config) if self._applies(p.when, config) else None for p in self.parameters]

    def active(self, config: Mapping[str, Any]) -> tuple[Parameter, ...]:
        """The parameters that are active in ``config``: their conditions hold."""
        return tuple(parameter for parameter in self.parameters if self._applies(parameter.when, config))

    def prune(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A config from values for all parameters: inactive ones left out, the constants that apply added."""
        config = {p.name: values[p.name] for p in self.active(values)}
        config.update({k: v for k, v in self.constants.items() if self._applies(self.conditions.get(k, {}), values)})
        return config

    def check(self, partial: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters' values of a (partial) config as the samplers would draw them, constants left out.

        Raises:
            SpecError: a name is unknown, a value outside the space or of a parameter that the config itself turns
                off, or a constant contradicted. The paths are the flat names.
        """
        values: dict[str, Any] = {}
        faults: list[Violation] = []
        for name, value in partial.items():
            try:
                self._check_value(name, value, partial)
                if name in self._by_name:
                    values[name] = self._by_name[name].sampler.cast(value)
            except ValueError as error:
                faults.append(Violation(name, None, str(error)))
        if faults:
            raise SpecError(faults)
        return values

    def complete(self, partial: Mapping[str, Any], point: Sequence[float]) -> dict[str, Any]:
        """The whole config of a ``partial`` one: parameters that it lacks are those at ``point``.

        Raises:
            SpecError: as `check` does.
            ValueError: as `from_unit` does.
        """
        return self.prune({**self._values(point), **self.check(partial)})

    def grid(self) -> list[dict[str, Any]]:
        """Every config of the space in the order of the parameters, the last one changing fastest.

        Raises:
            SpecError: as `check_grid` does.
        """
        self.check_grid()
        names = [p.name for p in self.parameters]
        points = itertools.product(*(p.sampler.values() for p in self.parameters))
        configs = (self.prune(dict(zip(names, values, strict=True))) for values in points)
        return list({json.dumps(config, sort_keys=True): config for config in configs}.values())

    def check_grid(self) -> None:
        """Check that the space has a grid.

        Raises:
            SpecError: a parameter has no list of values, or they make more than `LARGEST_GRID` points.
        """
        endless = [p for p in self.parameters if p.sampler.count is None]
        if endless:
            cure = "a grid needs listed values: use choice, grid_search or randint, or another search algorithm"
            raise SpecError([Violation(f"parameters/{p.name}", None, f"is a {p.kind}; {cure}") for p in endless])
        size = math.prod(p.sampler.count or 0 for p in self.parameters)
        if size > LARGEST_GRID:
            message = f"the grid has {size} points, more than {LARGEST_GRID}; list fewer values or search at random"
            raise SpecError([Violation("parameters", None, message)])

    def raw(self) -> dict[str, Any]:
        """The YAML form, ready for JSON: ``Space.parse(space.raw()) == space``."""
        flat: dict[str, Any] = {}
        for p in self.parameters:
            flat[p.name] = {p.kind: list(p.args), **_raw_when(p.when)}
        for name, value in self.constants.items():
            when = _raw_when(self.conditions.get(name, {}))
            explicit = when or (isinstance(value, list) and misnamed(name.rpartition("/")[2]))
            flat[name] = {CONSTANT: value, **when} if explicit else value
        return nest(flat)

    @cached_property
    def _by_name(self) -> dict[str, Parameter]:
        return {parameter.name: parameter for parameter in self.parameters}

    def _values(self, point: Sequence[float]) -> dict[str, Any]:
        if len(point) != self.dimension or any(math.isnan(unit) for unit in point):
            raise ValueError(f"the point {list(point)} needs {self.dimension} coordinates in [0, 1], one per parameter")
        return {p.name: p.sampler.from_unit(unit) for p, unit in zip(self.parameters, point, strict=True)}

    def _applies(self, when: When, config: Mapping[str, Any]) -> bool:
        """Whether ``when`` holds; a parameter that is itself inactive satisfies no condition, whatever its value."""
        left, met = [when], set[str]()
        for conditions in left:  # The list grows in the loop.
            for name, allowed in conditions.items():
                if name not in config or not _listed(config[name], allowed):
                    return False
                if name not in met:
                    met.add(name)
                    left.append(self._by_name[name].when)
        return True

    def _coordinate(self, parameter: Parameter, config: Mapping[str, Any]) -> float:
        if parameter.name not in config:
            raise SpecError([Violation(parameter.name, None, f"is missing; allowed: {parameter.sampler.allowed}")])
        try:
            return parameter.sampler.to_unit(config[parameter.name])
        except ValueError as error:
            raise SpecError([Violation(parameter.name, None, str(error))]) from None

    def _check_value(self, name: str, value: Any, partial: Mapping[str, Any]) -> None:
        if name not in self._by_name and name not in self.constants:
            known = [*self._by_name, *self.constants]
            raise ValueError(f"there is no parameter {name!r}{nearest(name, known)}; allowed: {listing(known)}")
        if name in self.constants and not same(self.constants[name], value):
            raise ValueError(f"is {value!r}, but a constant of the space, {self.constants[name]!r}; leave it out")
        when = self._by_name[name].when if name in self._by_name else self.conditions.get(name, {})
        for other, allowed in when.items():
            if other in partial and not _listed(partial[other], allowed):
                needs = " or ".join(repr(value) for value in allowed)
                raise ValueError(f"applies only when {other} is {needs}, here {partial[other]!r}; leave it out")


def _listed(value: Any, allowed: Sequence[Any]) -> bool:
    return any(same(value, other) for other in allowed)


def _raw_when(when: When) -> dict[str, Any]:
    return {WHEN: {name: list(values) for name, values in when.items()}} if when else {}
