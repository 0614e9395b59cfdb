"""The daemon: gives queued sweeps their heads, shares the cluster out, and takes over what has died."""

from __future__ import annotations

from service.engine.daemon.daemon import Daemon
from service.engine.daemon.daemon_settings import DaemonSettings

__all__ = ["Daemon", "DaemonSettings"]
