"""A space as Ray Tune's own search-space objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray import tune

from service.spec.flat import nest
from service.spec.space.space import Space

_DOMAINS: dict[str, Callable[..., Any]] = {
    "uniform": tune.uniform,
    "quniform": tune.quniform,
    "loguniform": tune.loguniform,
    "qloguniform": tune.qloguniform,
    "randn": tune.randn,
    "qrandn": tune.qrandn,
    "randint": tune.randint,
    "qrandint": tune.qrandint,
    "lograndint": tune.lograndint,
    "qlograndint": tune.qlograndint,
    "choice": lambda *values: tune.choice(list(values)),
    "grid_search": lambda *values: tune.grid_search(list(values)),
}


def to_tune(space: Space) -> dict[str, Any]:
    """The nested ``param_space`` of Tune for ``space``, constants as they are.

    Tune's domains know no conditions: conditional parameters and constants are always there, and `Space.prune` takes
    the inactive ones out of the flat config that a searcher proposes.
    """
    return nest({**_domains(space), **space.constants})


def searched(space: Space) -> dict[str, Any]:
    """The same without the constants: what a searcher of Tune is to propose."""
    return nest(_domains(space))


def _domains(space: Space) -> dict[str, Any]:
    return {parameter.name: _DOMAINS[parameter.kind](*parameter.args) for parameter in space.parameters}
