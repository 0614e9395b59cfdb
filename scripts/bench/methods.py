"""The methods that can be compared: a name, the environment that it runs in, and what makes it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bench.environments import PROJECT, ROOT

SIEVE = "sieve:"
AUTO = f"{SIEVE}auto"
"""Sieve with the defaults of its spec."""

_ALGORITHMS = ("random", "sobol", "hyperopt", "bayesopt")
_SCHEDULES = ("fifo", "asha", "hyperband", "promote")
_DECIDING = ("service/spec", "service/policy", "service/engine/simulation")


@dataclass(frozen=True)
class Method:
    """``maker`` is ``module:function`` of (problem, seed), returning a :class:`~bench.problems.world.Peer`.

    Results are kept for each ``revision``: raise it when the adapter changes what the method does.
    """

    name: str
    environment: str
    maker: str
    revision: str = "1"
    slow: bool = False


METHODS = {
    method.name: method
    for method in (
        Method("random", PROJECT, "bench.peers.ray_tune:random"),
        Method("one_epoch", PROJECT, "bench.peers.one_epoch:one_epoch"),
        Method("ray_asha", PROJECT, "bench.peers.ray_tune:asha"),
        Method("ray_hyperopt", PROJECT, "bench.peers.ray_tune:hyperopt"),
        Method("ray_asha_hyperopt", PROJECT, "bench.peers.ray_tune:asha_hyperopt"),
        Method("ray_bohb", "ray_bohb", "bench.peers.ray_bohb:bohb"),
        Method("optuna_hyperband", "optuna", "bench.peers.optuna:hyperband"),
        Method("optuna_asha", "optuna", "bench.peers.optuna:asha"),
        Method("syne_asha", "syne_tune", "bench.peers.syne_tune:asha"),
        Method("syne_mobster", "syne_tune", "bench.peers.syne_tune:mobster", slow=True),
        Method("syne_hypertune", "syne_tune", "bench.peers.syne_tune:hypertune", slow=True),
        Method("smac", "smac", "bench.peers.smac:multi_fidelity", slow=True),
        Method("dehb", "dehb", "bench.peers.dehb:dehb"),
    )
}


SIEVE_METHODS = (
    AUTO,
    *(f"{SIEVE}{algorithm}+{schedule}" for algorithm in _ALGORITHMS for schedule in _SCHEDULES),
)


def method(name: str) -> Method:
    """The method called ``name``: one of :data:`METHODS` or :data:`SIEVE_METHODS`.

    Raises KeyError for an unknown name.
    """
    if name in SIEVE_METHODS:
        return Method(name, PROJECT, "", _fingerprint())
    return METHODS[name]


def _fingerprint() -> str:
    """Changes with any code that decides."""
    digest = hashlib.sha256()
    paths = [path for folder in _DECIDING for path in _sources(folder)]
    for path in (*paths, Path(__file__).with_name("sieve.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))
