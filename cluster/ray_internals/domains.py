"""Tune's search-space objects, taken apart without importing Ray: whoever holds one has imported it already."""

from __future__ import annotations

from typing import Any

from cluster.ray_internals.absence import refused


def is_domain(value: Any) -> bool:
    """Whether ``value`` is one of Tune's domains, e.g. ``tune.loguniform(1e-4, 1)``."""
    return type(value).__module__.startswith("ray.tune") and hasattr(value, "get_sampler")


def parts_of(domain: Any) -> tuple[str, str, list[Any], float | None]:
    """The kind of a Tune domain, the law of its sampler, the arguments of both, and the quantum; None without one.

    Kinds and laws are named by Ray's classes, some of which begin with an underscore that is left out here.

    Raises:
        RayChanged: Ray keeps them elsewhere.
    """
    with refused(f"reading {type(domain).__name__} of Tune", "write the parameter as in YAML, e.g. {uniform: [0, 1]}"):
        sampler = domain.get_sampler()
        quantum = getattr(sampler, "q", None)
        law = sampler if quantum is None else sampler.get_sampler()
        kind, name = type(domain).__name__, type(law).__name__.lstrip("_")
        if kind == "Categorical":
            return kind, name, list(domain.categories), quantum
        if name == "Normal":
            return kind, name, [law.mean, law.sd], quantum
        return kind, name, [domain.lower, domain.upper] if kind in ("Float", "Integer") else [], quantum
