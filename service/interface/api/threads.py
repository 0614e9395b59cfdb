"""The daemon beside the API: a loop in a thread of its own, which ends with the service."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from service.interface.api.settings import Settings
from service.spec.errors import UserError

PATIENCE = 30.0
"""Seconds that the daemon has to end what it is doing."""

Run = Callable[[threading.Event], None]


def daemon(launcher: str, settings: Settings, url: str) -> Run:
    """The daemon's loop, whose heads reach the service at ``url``; ``settings`` learn from it what heads have printed.

    Raises:
        UserError: there is no such daemon.
    """
    raise UserError(
        f"this Sieve has no daemon that starts heads by {launcher}", "start with --no-daemon: sweeps wait in the queue"
    )


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
