"""The interface of launchers, which start heads, and `Launch`, their argument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from service.ledger.over_http.trust import TRUST
from service.spec.errors import SieveError

TICKET = "SIEVE_TICKET"
"""Environment variable that a head finds its ticket in."""

IN_A_JOB = "SIEVE_IN_A_JOB"
"""Environment variable that the head of a job finds, which has its code on every node by Ray."""


class LaunchFailed(SieveError):
    """A head could not be started, for now."""


@dataclass(frozen=True)
class Launch:
    """A head to start: attempt ``attempt`` at ``sweep``.

    ``address`` is the service as heads reach it, ``ticket`` what the head enrolls by, once. ``code`` is the folder of
    the user's code, unpacked, and ``storage`` that of checkpoints, the same on every node. ``page`` is where people
    find the sweep, and ``created`` is when it was submitted, in seconds since the epoch: it tells it from one that had
    its name before. ``trust`` are the certificates of the service, as text, where it is asked over TLS.
    """

    sweep: str
    attempt: int
    owner: str
    address: str
    ticket: str = field(repr=False)
    code: Path
    storage: Path
    page: str = ""
    created: float = 0.0
    trust: str = ""

    @property
    def name(self) -> str:
        """The head's unique name, by its sweep, its attempt and the time of submission."""
        return f"sieve-{self.sweep}-{self.attempt}-{self.born}"

    @property
    def born(self) -> str:
        """The time of submission in hexadecimal milliseconds."""
        return f"{round(self.created * 1000):x}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the head. The only secret is the ticket, void once the head has enrolled."""
        return {TICKET: self.ticket} | ({TRUST: self.trust} if self.trust else {})

    @property
    def arguments(self) -> list[str]:
        """The command line of the head after the interpreter. Its own folder is not on Python's path by itself."""
        words = (self.address, self.sweep, str(self.attempt), str(self.storage), self.born)
        return ["-P", "-m", "service.engine.launch.head_main", *words]


class Launcher(Protocol):
    """The interface of what starts heads. What each launcher promises is in the contract suite of launchers.

    The id that `start` returns is all that is needed to find the head again, from another process as well.
    """

    def start(self, launch: Launch) -> str:
        """Start a head and return its id, without waiting until it runs. Raises LaunchFailed."""

    def alive(self, id: str) -> bool | None:
        """Whether the head still runs; None if that cannot be told now."""

    def stop(self, id: str) -> None:
        """End the head, politely first; does nothing where it has ended. Does not wait. Raises LaunchFailed."""

    def logs(self, id: str, follow: bool = False) -> Iterator[str]:
        """The output of the head, in pieces of any size; with ``follow`` until it ends."""
