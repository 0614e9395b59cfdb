"""The handle of a sweep at a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.interface.python.handle import Handle
from service.interface.remote.remote_source import RemoteSource


class RemoteSweep(Handle):
    """A handle on a sweep at a service; the same verbs as those of a local one. Made by `Client`.

    The sweep is the service's: it goes on whatever becomes of this process. ``notes`` is what was said at submit.
    """

    def __init__(self, name: str, remote: RemoteSource, notes: tuple[str, ...] = ()) -> None:
        super().__init__(name, remote)
        self._remote = remote
        self.notes = notes

    def __repr__(self) -> str:
        return f"RemoteSweep({self.name!r}, {self.state}, {self._remote.where})"

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its spec as plain data; `service.load` makes a `Spec` of it."""
        return self._remote.spec(self.name)
