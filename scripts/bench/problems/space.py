"""The search space of a benchmark problem: parameters, and the conditions under which they count."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Config = dict[str, Any]
_KINDS: dict[str, Literal["float", "int", "category"]] = {
    "uniform_float": "float",
    "uniform_int": "int",
    "categorical": "category",
}


@dataclass(frozen=True)
class Parameter:
    """One hyperparameter. A float or an int lies in [lower, upper], both included; a category is one of ``choices``."""

    name: str
    kind: Literal["float", "int", "category"]
    lower: float = 0.0
    upper: float = 1.0
    log: bool = False
    choices: tuple[Any, ...] = ()

    def sample(self, rng: np.random.Generator) -> Any:
        """One value, uniform on the parameter's own scale."""
        if self.kind == "category":
            return self.choices[rng.integers(len(self.choices))]
        low, high = (math.log(self.lower), math.log(self.upper)) if self.log else (self.lower, self.upper)
        return self.at((float(rng.uniform(low, high)) - low) / (high - low))

    def at(self, position: float) -> Any:
        """The number at ``position`` in [0, 1] of the parameter's own scale."""
        if self.log:
            value = math.exp(math.log(self.lower) + position * (math.log(self.upper) - math.log(self.lower)))
        else:
            value = self.lower + position * (self.upper - self.lower)
        value = min(max(value, self.lower), self.upper)
        return round(value) if self.kind == "int" else value

    def position(self, value: float) -> float:
        """Where in [0, 1] of the parameter's own scale the number ``value`` lies."""
        if self.log:
            return math.log(value / self.lower) / math.log(self.upper / self.lower)
        return (value - self.lower) / (self.upper - self.lower)


@dataclass(frozen=True)
class Condition:
    """A parameter counts only while ``parent`` counts and has one of ``values``."""

    parent: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Space:
    """All parameters, parents before their children, and each child's conditions, all of which must hold."""

    parameters: tuple[Parameter, ...]
    conditions: Mapping[str, tuple[Condition, ...]]

    @classmethod
    def read(cls, document: Mapping[str, Any], without: Collection[str]) -> Space:
        """From a ``config_space.json`` (ConfigSpace's JSON, format 0.2), the parameters named in ``without`` left out.

        Raises ValueError for a kind of parameter or condition that it does not know.
        """
        conditions: dict[str, tuple[Condition, ...]] = {}
        for raw in document["conditions"]:
            for child, condition in _flat(raw):
                conditions[child] = (*conditions.get(child, ()), condition)
        parameters = [_parameter(raw) for raw in document["hyperparameters"] if raw["name"] not in without]
        known: list[Parameter] = []
        while len(known) < len(parameters):
            names = {parameter.name for parameter in known}
            ready = [
                parameter
                for parameter in parameters
                if parameter.name not in names
                and all(condition.parent in names for condition in conditions.get(parameter.name, ()))
            ]
            if not ready:
                raise ValueError("the conditions of config_space.json form a circle or name an unknown parent")
            known += ready
        return cls(tuple(known), conditions)

    def counts(self, name: str, config: Mapping[str, Any]) -> bool:
        """Whether parameter ``name`` counts in a config that holds the values of its parents, if they count."""
        return all(config.get(condition.parent) in condition.values for condition in self.conditions.get(name, ()))

    def active(self, config: Mapping[str, Any]) -> Config:
        """The config without the values that do not count."""
        kept: Config = {}
        for parameter in self.parameters:
            if parameter.name in config and self.counts(parameter.name, kept):
                kept[parameter.name] = config[parameter.name]
        return kept

    def sample(self, rng: np.random.Generator) -> Config:
        """One random config, without the values that do not count."""
        return self.active({parameter.name: parameter.sample(rng) for parameter in self.parameters})


def _parameter(raw: Mapping[str, Any]) -> Parameter:
    kind = _KINDS.get(raw["type"])
    if kind is None:
        raise ValueError(f"parameter {raw['name']!r} is of type {raw['type']!r}; known are {', '.join(_KINDS)}")
    if kind == "category":
        return Parameter(raw["name"], kind, choices=tuple(raw["choices"]))
    return Parameter(raw["name"], kind, raw["lower"], raw["upper"], bool(raw["log"]))


def _flat(raw: Mapping[str, Any]) -> Iterator[tuple[str, Condition]]:
    if raw["type"] == "AND":
        for inner in raw["conditions"]:
            yield from _flat(inner)
    elif raw["type"] in ("EQ", "IN"):
        values = raw["values"] if raw["type"] == "IN" else [raw["value"]]
        yield raw["child"], Condition(raw["parent"], tuple(values))
    else:
        raise ValueError(f"a condition of {raw['child']!r} is of type {raw['type']!r}; known are EQ, IN, AND")
