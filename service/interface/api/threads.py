"""The daemon beside the API: a loop in a thread of its own, which ends with the service."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType

from service.engine.daemon import Daemon, DaemonSettings
from service.engine.launch.launcher import Launcher
from service.interface.api.service_settings import ServiceSettings
from service.ledger.records import SweepRecord
from service.spec.errors import UserError

PATIENCE = 30.0
"""Seconds that the daemon has to end what it is doing."""

Run = Callable[[threading.Event], None]


def daemon(launcher: Launcher, settings: ServiceSettings, url: str, sweeps: int, trust: str = "") -> Run:
    """The daemon's loop, whose heads ``launcher`` starts and who reach the service at ``url``, ``sweeps`` at once.

    ``trust`` are the certificates of the service, which its heads are to believe.

    ``settings`` learn from it what heads have printed, and why no sweep can start.

    Raises:
        UserError: there is no cluster to start heads on.
    """
    if settings.inventory is None:
        raise UserError(
            "there is no cluster to run sweeps on",
            "give its address with --ray, make one with `sieve cluster local`, or start with --no-daemon",
        )
    storage = settings.storage or settings.home
    told = DaemonSettings(url, storage, code=partial(_code, settings), sweeps=sweeps, trust=trust)
    made = Daemon(settings.store, launcher, settings.inventory, told)
    settings.logs = made.logs
    settings.ailing = lambda: made.ailing
    return made.run


def _code(settings: ServiceSettings, record: SweepRecord) -> Path:
    """The folder of a sweep's code: its package, or for one that was submitted on this machine its project."""
    return Path(record.project) if record.package is None else settings.packages.folder(record.package)


class BackgroundLoop:
    """Runs ``run`` in a thread for as long as the context lasts; an error in it makes ``/readyz`` fail."""

    def __init__(self, run: Run | None, settings: ServiceSettings) -> None:
        self._run = run
        self._settings = settings
        self._thread = threading.Thread(target=self._guarded, name="sieve-daemon", daemon=True)

    def __enter__(self) -> BackgroundLoop:
        if self._run is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._settings.stop.set()
        if self._run is not None:
            self._thread.join(PATIENCE)

    def _guarded(self) -> None:
        assert self._run is not None
        try:
            self._run(self._settings.stop)
        except Exception as error:
            why = f"the daemon has died of {type(error).__name__}: {error}"
            logging.getLogger("service.api").error(why, exc_info=error)
            self._settings.ailing = lambda: why
