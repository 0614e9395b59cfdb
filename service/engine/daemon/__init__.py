"""The daemon: starts the heads of queued sweeps, allots the cluster among sweeps, and replaces dead heads."""

from __future__ import annotations

from service.engine.daemon.daemon import Daemon
from service.engine.daemon.daemon_settings import DaemonSettings

__all__ = ["Daemon", "DaemonSettings"]
