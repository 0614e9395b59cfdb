"""Sieve's service from afar: `Client` and the handles it gives. Needs neither Ray nor torch nor a database."""

from __future__ import annotations

from service.interface.remote.client import Client
from service.interface.remote.remote_sweep import RemoteSweep

__all__ = ["Client", "RemoteSweep"]
