"""A `Space` as Ray Tune's search-space objects (``tune.loguniform`` and the like)."""

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
    """The nested ``param_space`` of Ray Tune's ``Tuner`` for ``space``, constants as they are.

    Tune's domains have no conditions: parameters and constants with a ``when`` are always in it, and `Space.prune`
    takes the inactive ones out of the flat config that a searcher proposes.

    >>> from service.policy.search.domains import to_tune
    >>> from service.spec import Space
    >>> space = Space.parse({"optimizer": {"lr": {"loguniform": [1e-4, 1.0]}}, "depth": 3})
    >>> domains = to_tune(space)
    >>> type(domains["optimizer"]["lr"]).__name__, domains["optimizer"]["lr"].upper, domains["depth"]
    ('Float', 1.0, 3)
    """
    return nest({**_domains(space), **space.constants})


def searched(space: Space) -> dict[str, Any]:
    """The ``param_space`` without constants, as a searcher of Tune is given it."""
    return nest(_domains(space))


def _domains(space: Space) -> dict[str, Any]:
    return {parameter.name: _DOMAINS[parameter.kind](*parameter.args) for parameter in space.parameters}
