"""Sieve: hyperparameter sweeps on Ray that climb from coarse to fine.

    import service

    sweep = service.run("sweep.yaml")          # runs it, shows nothing, returns a handle
    sweep.best(3)                              # a DataFrame
    service.check("sweep.yaml").frame()        # is its task sound? a row per finding
    service.results().trials("digits")         # any sweep of this home

    client = service.Client("http://host:8700")
    sweep = client.submit("sweep.yaml")        # runs where the service is; the handle is the same
    sweep.wait().best(3)

Each name is imported when it is first used, so that ``import service`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.interface.python.local_sweep import Sweep, check, results, run, simulate, sweep
    from service.interface.remote import Client, RemoteSweep
    from service.spec import Spec, load

__all__ = ["Client", "RemoteSweep", "Spec", "Sweep", "check", "load", "results", "run", "simulate", "sweep"]

_HOMES = {
    "Client": "service.interface.remote",
    "RemoteSweep": "service.interface.remote",
    "Spec": "service.spec",
    "Sweep": "service.interface.python.local_sweep",
    "check": "service.interface.python.local_sweep",
    "load": "service.spec",
    "results": "service.interface.python.local_sweep",
    "run": "service.interface.python.local_sweep",
    "simulate": "service.interface.python.local_sweep",
    "sweep": "service.interface.python.local_sweep",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
