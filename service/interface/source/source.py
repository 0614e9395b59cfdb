"""The seam between those who ask about sweeps, terminals and notebooks, and those who know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from service.interface.source.rights import Rights
from service.ledger.records import DecisionRecord, Rows
from service.ledger.results.status import Status
from service.spec.states import PersonWish, SweepState

if TYPE_CHECKING:
    import pandas as pd

    from service.engine.fleet.nodes import Node

Table = Literal["trials", "history", "best", "decisions", "stages", "spaces"]
TABLES: tuple[Table, ...] = get_args(Table)
"""What a sweep has a table of; columns and dtypes are those of `service.ledger.results.results.Results`."""


@dataclass(frozen=True)
class Standing:
    """The state of a sweep, and why. ``live``: it waits for its turn or a head runs it; a dead head's is not."""

    state: SweepState
    why: str
    live: bool


@dataclass(frozen=True)
class Look:
    """A sweep as ``sieve status`` shows it.

    ``advice`` says what its stages are worth and which nodes are avoided, ``note`` what else is to say.
    """

    status: Status
    advice: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Event:
    """Something that happened to a sweep. ``kind`` is ``sweep``, whose ``data`` has at least sweep, state and why, or
    ``decision``, whose ``data`` is the sweep and a `DecisionRecord`.
    """

    kind: str
    data: dict[str, Any]
    id: str = ""


class Source(Protocol):
    """Where sweeps are. What every one promises is in the contract suite of sources.

    Each method that takes a sweep's name raises UnknownSweep, which names the nearest, if there is none of that name.
    """

    @property
    def where(self) -> str:
        """The folder or the address, for people."""

    @property
    def home(self) -> Path | None:
        """The folder where heads of this process keep their sweeps; None where a service starts them elsewhere."""

    @property
    def rights(self) -> Rights:
        """Who may use a service of these sweeps, and how much of its cluster."""

    def nodes(self) -> list[Node]:
        """The nodes of the cluster that heads run on. Raises SieveError while it cannot be asked."""

    @property
    def pace(self) -> float:
        """Seconds to leave between two looks."""

    def sweeps(self) -> Rows:
        """A row per sweep, oldest first."""

    def sweeps_frame(self) -> pd.DataFrame:
        """The same as a DataFrame."""

    def queue(self) -> Rows:
        """A row per sweep that waits or runs, first come those whose turn is first."""

    def queue_frame(self) -> pd.DataFrame:
        """The same as a DataFrame."""

    def standing(self, name: str) -> Standing:
        """How the sweep stands."""

    def look(self, name: str) -> Look:
        """How it stands in full."""

    def status(self, name: str) -> Status:
        """Its funnel, its running trials, the best so far, the time left."""

    def verdicts(self, name: str) -> Sequence[DecisionRecord]:
        """Its decisions in the order they fell."""

    def rows(self, name: str, table: Table, n: int = 1) -> Rows:
        """One of its tables; ``n`` is how many of the best. None is what is missing, times are seconds."""

    def frame(self, name: str, table: Table, n: int = 1) -> pd.DataFrame:
        """The same as a DataFrame with fixed dtypes."""

    def wish(self, name: str, wish: PersonWish) -> Standing:
        """Make known that it shall pause, resume, stop or cancel, and how it stands then.

        Raises UserError where that means nothing.
        """

    def extend(self, name: str, trials: int) -> None:
        """Give it so many trials more. Raises UserError where it cannot have them."""

    def update(self, name: str, priority: int | None = None, weight: float | None = None) -> None:
        """Change its place in the queue and its share. Raises UserError for values out of range."""

    def undo_space(self, name: str) -> int:
        """Take its newest narrowing back; the round that it was for. Raises UserError where there is none."""

    def remove(self, name: str) -> None:
        """Delete it with all that belongs to it. Raises AlreadyRunning while it runs."""

    def logs(self, name: str, follow: bool = False) -> Iterator[str]:
        """The lines that its head has written; with ``follow`` those to come, too, until it is over."""

    def events(self, name: str) -> Iterator[Event]:
        """What happens to it from now on, first how it stands, until it is under way no longer."""

    def close(self) -> None:
        """Gives back what it holds open; it is asked no more."""
