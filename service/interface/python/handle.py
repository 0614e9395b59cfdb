"""The handle of a sweep on this machine or at a service: its results, its status, and control of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from service.interface.source import Event, Source
from service.ledger.results.status import Status
from service.spec.errors import SieveError
from service.states import SWEEP_UNDER_WAY, SweepState

if TYPE_CHECKING:
    import pandas as pd

Own = TypeVar("Own", bound="Handle")


class Handle:
    """The handle of a sweep: what `Sweep` (on this machine) and `RemoteSweep` (at a service) have in common.

    It holds no results of its own: each call asks anew, so that a handle made in another process gives the same. The
    columns and dtypes of its DataFrames are those of `service.ledger.results.results.Results`. Every method raises
    UnknownSweep once the sweep is removed.

    >>> import service
    >>> spec = {
    ...     "name": "moons",
    ...     "task": "moons:Moons",
    ...     "metric": {"name": "accuracy", "goal": "maximize"},
    ...     "parameters": {"lr": {"uniform": [0.0, 1.0]}},
    ...     "stages": [{"data": 0.25, "epochs": 1}, {"data": 1.0, "epochs": 4}],
    ...     "search": {"algorithm": "sobol", "trials": 4},
    ... }
    >>> sweep = service.simulate(spec, lambda config, data, epoch: (config["lr"], 10.0 * data))
    >>> sweep.state, sorted(sweep.status.counts.items())
    ('SUCCEEDED', [('FINISHED', 1), ('STOPPED', 3)])
    >>> len(sweep.history())  # 4 trials of 1 epoch, and 4 more of the best
    8
    >>> sweep.decisions().groupby("verdict").size().to_dict()
    {'finish': 1, 'pause': 4, 'promote': 1, 'stop': 3}
    >>> sweep.pause()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    service.engine.control.wishes.NothingToDo: moons is SUCCEEDED: there is nothing to pause; ...
    """

    def __init__(self, name: str, source: Source) -> None:
        self.name = name
        self._source = source

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.state})"

    def _repr_html_(self) -> str:
        """How it stands and its best trials, for a notebook."""
        from service.interface.python.notebook import panel

        best = self.best(3).dropna(axis="columns", how="all")
        leaders = best.to_html(index=False) if len(best) else ""
        return panel(self.status) + leaders

    @property
    def state(self) -> SweepState:
        """QUEUED, STARTING, RUNNING, PAUSED, SUCCEEDED, STOPPED, FAILED or CANCELLED."""
        return self._source.standing(self.name).state

    @property
    def status(self) -> Status:
        """The funnel of stages, running trials, best so far and time left (seconds), at this moment."""
        return self._source.status(self.name)

    def trials(self) -> pd.DataFrame:
        """One row per trial, by number; the columns are those of `Results.trials`."""
        return self._source.frame(self.name, "trials")

    def history(self) -> pd.DataFrame:
        """One row per report, in the order they came in; the columns are those of `Results.history`."""
        return self._source.frame(self.name, "history")

    def decisions(self) -> pd.DataFrame:
        """One row per decision on a trial, with its reason; the columns are those of `Results.decisions`."""
        return self._source.frame(self.name, "decisions")

    def stages(self) -> pd.DataFrame:
        """One row per stage: its plan and the estimate of its worth; the columns are those of `Results.stages`."""
        return self._source.frame(self.name, "stages")

    def best(self, n: int = 1) -> pd.DataFrame:
        """The best ``n`` (1) of the trials that finished the last stage, best first; empty before the first has.

        The columns are those of `trials`.
        """
        return self._source.frame(self.name, "best", n)

    def logs(self, follow: bool = False) -> Iterator[str]:
        """The lines that its head has written; with ``follow`` those to come, too. Raises UserError where none are."""
        return self._source.logs(self.name, follow)

    def events(self) -> Iterator[Event]:
        """State changes and decisions from now on, until it is no longer under way.

        An event has a ``kind``, ``sweep`` or ``decision``, and ``data``, a dict: sweep, state and why at least, or the
        sweep and the columns of a decision.
        """
        return self._source.events(self.name)

    def wait(self: Own, timeout: float | None = None, progress: bool | None = None) -> Own:
        """Block until the sweep is no longer under way, at most ``timeout`` seconds (None: any); returns the handle.

        With ``progress`` it shows how the sweep stands meanwhile: in the cell of a notebook, on a terminal, else as
        lines. None (default) is to do so in a notebook.

        Raises:
            TimeoutError: the sweep is still under way; it goes on.
            SieveError: the sweep failed, or its head died.
        """
        from service.interface.python.notebook import in_notebook

        deadline = None if timeout is None else time.monotonic() + timeout
        with nullcontext() if progress is False or not (progress or in_notebook()) else self._watched():
            while self._is_under_way():
                left = self._source.pace if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{self.name} is still {self.state} after {timeout:g} s; it goes on")
                time.sleep(min(left, self._source.pace))
        self._complain()
        return self

    def pause(self) -> None:
        """Ask the sweep to pause, keeping everything; does not block. Raises UserError if it is not running."""
        self._source.wish(self.name, "pause")

    def resume(self) -> None:
        """Have a sweep that is paused or failed go on; does not block.

        Raises:
            UserError: it is running, or it has ended.
        """
        self._source.wish(self.name, "resume")

    def stop(self) -> None:
        """Ask the sweep to stop for good, which it does within seconds, keeping everything; does not block.

        Raises:
            UserError: the sweep is not running.
        """
        self._source.wish(self.name, "stop")

    def cancel(self) -> None:
        """Give the sweep up, be it running or waiting; does not block. Raises UserError if it has ended."""
        self._source.wish(self.name, "cancel")

    def extend(self, n: int) -> None:
        """Give the sweep ``n`` more trials, which it goes on with; does not block.

        Raises:
            UserError: it is running, it runs every point of a grid, or ``n`` is not positive.
        """
        self._source.extend(self.name, n)

    def update(self, *, priority: int | None = None, weight: float | None = None) -> None:
        """Change its ``priority`` in the queue (-100 to 100, 0 by default) or its ``weight`` among those of the same.

        None leaves it as it is. A sweep gets slots in proportion to its weight (1 by default).
        """
        self._source.update(self.name, priority, weight)

    def remove(self) -> None:
        """Delete the sweep with its trials, reports and checkpoints. Raises AlreadyRunning while it runs."""
        self._source.remove(self.name)

    def _watched(self) -> AbstractContextManager[None]:
        from service.interface.live_view import watch
        from service.interface.python.notebook import Cell, in_notebook

        return watch(self.name, self._source, screen=Cell() if in_notebook() else None)

    def _is_under_way(self) -> bool:
        return self._source.standing(self.name).live

    def _complain(self) -> None:
        standing = self._source.standing(self.name)
        if standing.state == "FAILED":
            raise SieveError(f"{self.name} failed: {standing.why}", "see its trials for the errors: sweep.trials()")
        if standing.state in SWEEP_UNDER_WAY and not standing.live:
            raise SieveError(
                f"the head of {self.name} died{self._exit_code()}", "nothing is lost: run it again to go on"
            )

    def _exit_code(self) -> str:
        return ""
