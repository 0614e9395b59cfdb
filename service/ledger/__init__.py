"""What has happened: every sweep, trial, report and decision."""

from __future__ import annotations

from service.ledger.home import find_home, open_store
from service.ledger.results import Results
from service.ledger.store import Store

__all__ = ["Results", "Store", "find_home", "open_store"]
