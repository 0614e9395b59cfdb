"""The ledger: the records of all sweeps, trials, reports and decisions.

Each name is imported when it is first used, so that clients of a service load no database driver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.ledger.folder import find_home
    from service.ledger.home import open_store
    from service.ledger.results.results import Results
    from service.ledger.store.store import Store

__all__ = ["Results", "Store", "find_home", "open_store"]

_HOMES = {
    "Results": "service.ledger.results.results",
    "Store": "service.ledger.store.store",
    "find_home": "service.ledger.folder",
    "open_store": "service.ledger.home",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
