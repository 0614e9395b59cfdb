"""The handle of a sweep at a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.interface.python.handle import Handle
from service.interface.remote.remote_source import RemoteSource


class RemoteSweep(Handle):
    """The handle of a sweep at a service, with the methods of `Handle`. Made by `Client.submit` and `Client.sweep`.

    The sweep is the service's: it goes on whatever becomes of this process. ``notes`` are the warnings at submit. Every
    method raises NoAnswer where the service cannot be reached. ``client.submit("sweep.yaml").wait().best(3)`` is a
    DataFrame as that of a `Sweep`:

    >>> import service
    >>> from service.interface.python.handle import Handle
    >>> issubclass(service.RemoteSweep, Handle) and issubclass(service.Sweep, Handle)
    True
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
