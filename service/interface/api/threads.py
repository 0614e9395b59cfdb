"""The daemon beside the API: a loop in a thread of its own, which ends with the service."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from service.engine import daemon as daemons
from service.engine.daemon import Daemon
from service.engine.launch.jobs import Jobs
from service.engine.launch.launcher import Launcher
from service.engine.launch.processes import Processes
from service.interface.api.settings import Settings
from service.spec.errors import UserError

PATIENCE = 30.0
"""Seconds that the daemon has to end what it is doing."""

Run = Callable[[threading.Event], None]


def daemon(launcher: str, ray: str | None, settings: Settings, url: str) -> Run:
    """The daemon's loop: heads on the cluster at ``ray`` that reach the service at ``url``.

    ``settings`` learn from it what heads have printed, and whether it can work.

    Raises:
        UserError: there is no cluster, or it is not one that takes jobs.
    """
    if ray is None or settings.inventory is None:
        raise UserError(
            "the service has no cluster to start heads on",
            "give --ray ADDRESS or set RAY_ADDRESS (sieve cluster local starts one here), or --no-daemon to only queue",
        )
    storage = settings.storage or settings.home
    one = Daemon(
        settings.store,
        _launcher(launcher, ray, settings.home),
        settings.inventory,
        daemons.Settings(url, storage, lambda record: settings.packages.folder(record.package or "")),
    )
    settings.logs = one.logs
    settings.ailing = lambda: one.ailing
    return one.run


def _launcher(kind: str, ray: str, home: Path) -> Launcher:
    if kind == "processes":
        return Processes(home / "logs", ray)
    if not ray.startswith(("http://", "https://")):
        raise UserError(
            f"heads as jobs need the cluster's dashboard, and {ray!r} is no HTTP address",
            "give --ray http://HOST:8265, or --launcher processes",
        )
    return Jobs(ray)


class Loop:
    """Runs ``run`` in a thread for as long as the context lasts; an error in it makes the service ail."""

    def __init__(self, run: Run | None, settings: Settings) -> None:
        self._run = run
        self._settings = settings
        self._thread = threading.Thread(target=self._guarded, name="sieve-daemon", daemon=True)

    def __enter__(self) -> Loop:
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
