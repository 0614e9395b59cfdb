"""Ray Tune's search-space objects (``tune.search.sample.Domain``) as samplers, without importing Ray."""

from __future__ import annotations

from typing import Any

_LAWS = {
    ("Float", "Uniform"): "uniform",
    ("Float", "LogUniform"): "loguniform",
    ("Float", "Normal"): "randn",
    ("Integer", "Uniform"): "randint",
    ("Integer", "LogUniform"): "lograndint",
    ("Categorical", "Uniform"): "choice",
    ("Categorical", "Grid"): "grid_search",
}


def is_domain(value: Any) -> bool:
    """Whether ``value`` is one of Tune's domains, e.g. ``tune.loguniform(1e-4, 1)``."""
    return type(value).__module__.startswith("ray.tune") and hasattr(value, "get_sampler")


def from_tune(domain: Any) -> tuple[str, list[Any]]:
    """Kind and arguments of a Tune domain.

    Raises:
        ValueError: the domain has no counterpart, such as ``tune.sample_from``, whose function cannot be stored.
    """
    sampler = domain.get_sampler()
    quantum = getattr(sampler, "q", None)
    law = sampler if quantum is None else sampler.get_sampler()
    kind = _LAWS.get((type(domain).__name__, type(law).__name__.lstrip("_")))
    if kind is None:
        raise ValueError(
            f"{type(domain).__name__} with {type(law).__name__.lstrip('_')} cannot be stored or replayed; "
            "use a named sampler, and `when` for a parameter that depends on another"
        )
    if kind in ("choice", "grid_search"):
        return kind, list(domain.categories)
    args = [law.mean, law.sd] if kind == "randn" else [domain.lower, domain.upper]
    return (kind, args) if quantum is None else (f"q{kind}", [*args, quantum])
