"""Sieve: hyperparameter sweeps on Ray that climb from coarse to fine.

On this machine, or the Ray cluster at ``RAY_ADDRESS``::

    import service

    sweep = service.run("sweep.yaml")          # trains; shows itself in a notebook; returns a Sweep
    sweep.best(3)                              # a DataFrame of the best three trials
    service.check("sweep.yaml").frame()        # checks the task: a row per finding
    service.results().trials("digits")         # any sweep of this home

At a service (``sieve serve``), with the same methods::

    client = service.Client("http://host:8700")
    sweep = client.submit("sweep.yaml")        # a RemoteSweep
    sweep.wait().best(3)

In virtual time, against learning curves that are given instead of trained:

>>> import service
>>> spec = {
...     "name": "curves",
...     "task": "curves:Any",  # not loaded by a simulation
...     "metric": {"name": "score", "goal": "maximize"},
...     "parameters": {"lr": {"uniform": [0.0, 1.0]}},
...     "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 4}],
...     "search": {"algorithm": "sobol", "trials": 16},
... }
>>> def curve(config, data, epoch):
...     return config["lr"] * (1 - 0.5**epoch), 10.0 * data  # the metric, and the seconds of this epoch
>>> sweep = service.simulate(spec, curve, workers=4)
>>> sweep.best()[["trial", "stage", "score"]].shape
(1, 3)

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
