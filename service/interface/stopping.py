"""Asking a running sweep to stop."""

from __future__ import annotations

from service.engine.identity import alive
from service.ledger import Store
from service.spec.errors import UserError


def stop(store: Store, name: str) -> None:
    """Wishes that the sweep ``name`` stop for good; its head hears it within seconds.

    Raises:
        UnknownSweep: there is no such sweep.
        UserError: no head runs it, so that nothing would hear the wish.
    """
    record = store.sweep(name)
    if record.state in ("STARTING", "RUNNING") and alive(record):
        store.wish(name, "stop")
        return
    state = f"{record.state}, but its head is dead" if record.state in ("STARTING", "RUNNING") else record.state
    raise UserError(f"{name} is {state}: there is nothing to stop", f"look at it with: sieve status {name}")
