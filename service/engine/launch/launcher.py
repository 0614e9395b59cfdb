"""What starts heads, and what it is told of each."""

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
        """How the head is called, and no other ever was: by its sweep and attempt, and which sweep of that name."""
        return f"sieve-{self.sweep}-{self.attempt}-{self.born}"

    @property
    def born(self) -> str:
        """The time of submission in hexadecimal milliseconds."""
        return f"{round(self.created * 1000):x}"

    @property
    def environment(self) -> dict[str, str]:
        """What the head finds in its environment. The one secret is the ticket, worthless once the head has come."""
        return {TICKET: self.ticket} | ({TRUST: self.trust} if self.trust else {})

    @property
    def arguments(self) -> list[str]:
        """The command line of the head after the interpreter. Its own folder is not on Python's path by itself."""
        words = (self.address, self.sweep, str(self.attempt), str(self.storage), self.born)
        return ["-P", "-m", "service.engine.launch.head_main", *words]


class Launcher(Protocol):
    """Starts heads and looks after them. What each one promises is in the contract suite of launchers.

    The id that `start` returns is all that is needed to find the head again, from another process as well.
    """

    def start(self, launch: Launch) -> str:
        """Start a head and return its id; whether it lives is another question. Raises LaunchFailed."""

    def alive(self, id: str) -> bool | None:
        """Whether the head still runs; None if that cannot be told now."""

    def stop(self, id: str) -> None:
        """End the head, politely first; does nothing where it has ended. Does not wait. Raises LaunchFailed."""

    def logs(self, id: str, follow: bool = False) -> Iterator[str]:
        """What the head has printed, in pieces of any size; with ``follow`` until it ends."""
