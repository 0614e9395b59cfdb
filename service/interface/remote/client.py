"""Sieve's service from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.interface.code_package import MOST
from service.interface.contexts import contexts
from service.interface.contexts.address import address as written
from service.interface.contexts.address_in_use import address_of
from service.interface.contexts.token_source import token_for
from service.interface.remote.connection import Connection, RetryPolicy
from service.interface.remote.remote_source import RemoteSource
from service.interface.remote.remote_sweep import RemoteSweep
from service.interface.remote.submit_remote import RemoteSubmission, submit
from service.spec import Source
from service.spec.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


class Client:
    """The service at ``address``, e.g. ``http://localhost:8700``; default: SIEVE_ADDRESS, else the context in use.

    ``token`` is by default SIEVE_TOKEN, that of a context with the address, or, on this machine, the one that
    ``sieve serve`` wrote. Idempotent calls are repeated while the service is unreachable, for 15 s by default
    (``patience``). What the service refuses raises the same exceptions as on this machine. DataFrames need the extra
    ``client``. A client is a context manager: at its end the sockets are closed.

    Raises:
        UserError: there is no address, or it is none.

    Every call raises NoAnswer where the service cannot be reached, and UserError for a token that it refuses.

    >>> import service
    >>> service.Client("http://localhost:8700")
    Client('http://localhost:8700')
    >>> from service.interface.remote.connection import RetryPolicy
    >>> with service.Client("http://localhost:1", "a token", patience=RetryPolicy(away=0.0)) as client:
    ...     client.sweep("moons")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
        ...
    NoAnswer: the service at http://localhost:1 does not answer
    """

    def __init__(
        self, address: str | None = None, token: str | None = None, *, patience: RetryPolicy | None = None
    ) -> None:
        where = written(address) if address is not None else address_of(None)
        if where is None:
            raise UserError("there is no address of a service", "give one, set SIEVE_ADDRESS, or use a context")
        known = contexts.read(contexts.place())
        self._remote = RemoteSource(Connection(where, lambda: token or token_for(where, known), patience))

    def __repr__(self) -> str:
        return f"Client({self._remote.where!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets; handles work no longer."""
        self._remote.connection.close()

    def submit(
        self, source: Source, project: str | Path | None = None, *, check: bool = True, max_package: int = MOST
    ) -> RemoteSweep:
        """Queue the sweep of ``source`` (a YAML file, a mapping that may hold Tune domains, or a `Spec`).

        The folder ``project`` (default: the current one) travels with it, but what git ignores, and so does the commit.
        The spec is checked here, and, if ``check`` is on, whether the code has the task: it is read, not run, as
        neither Ray nor torch is loaded here; `service.check` tries it. The same sweep of the same code again is the
        same submission, so that a call whose answer was lost may be repeated. One that is paused or failed goes on.

        Raises:
            SpecError: the spec breaks a rule, or the code has no such task.
            UserError: the code cannot travel (more than ``max_package`` bytes, links that lead out of the folder, a
                package of our name), or the service refuses it.
            NameInUse: another sweep has the name.
        """
        folder = Path.cwd() if project is None else Path(project)
        made = submit(self._remote.connection, RemoteSubmission(source, folder, check, max_package))
        return RemoteSweep(made.name, self._remote, made.notes)

    def sweep(self, name: str) -> RemoteSweep:
        """The handle of the sweep ``name``. Raises UnknownSweep, which names the nearest."""
        self._remote.standing(name)
        return RemoteSweep(name, self._remote)

    def sweeps(self) -> pd.DataFrame:
        """A row per sweep, oldest first, with the columns and dtypes of `Results.sweeps`."""
        return self._remote.sweeps_frame()

    def queue(self) -> pd.DataFrame:
        """A row per sweep that waits or runs, in the order of the queue, with the columns of `Results.queue`."""
        return self._remote.queue_frame()

    def cluster(self) -> dict[str, Any]:
        """The cluster as the service sees it: ``nodes``, a dict for each, and ``total``, their resources summed."""
        return self._remote.cluster()
