"""Ray Tune's search-space objects (``tune.search.sample.Domain``) as samplers, without importing Ray."""

from __future__ import annotations

from typing import Any

from cluster.ray_internals.domains import is_domain, parts_of

__all__ = ["from_tune", "is_domain"]

_LAWS = {
    ("Float", "Uniform"): "uniform",
    ("Float", "LogUniform"): "loguniform",
    ("Float", "Normal"): "randn",
    ("Integer", "Uniform"): "randint",
    ("Integer", "LogUniform"): "lograndint",
    ("Categorical", "Uniform"): "choice",
    ("Categorical", "Grid"): "grid_search",
}


def from_tune(domain: Any) -> tuple[str, list[Any]]:
    """Kind and arguments of a Tune domain.

    Raises:
        ValueError: the domain has no counterpart, as ``tune.sample_from`` has none: a function cannot be stored.
        RayChanged: this Ray cannot be asked for them.
    """
    owner, law, args, quantum = parts_of(domain)
    kind = _LAWS.get((owner, law))
    if kind is None:
        raise ValueError(
            f"{owner} with {law} cannot be stored or replayed; "
            "use a named sampler, and `when` for a parameter that depends on another"
        )
    return (kind, args) if quantum is None else (f"q{kind}", [*args, quantum])
