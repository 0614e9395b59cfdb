"""The sweeps of a home on this machine. Nothing here needs Ray, torch or pandas until it is asked for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

from service.interface.source.rights import LocalRights
from service.interface.source.source import Event, Look, Standing, Table
from service.ledger.folder import log_file
from service.ledger.records import DecisionRecord, Rows
from service.ledger.results.status import Status, snapshot
from service.spec.errors import UserError
from service.spec.states import SWEEP_UNDER_WAY, SWEEP_WITH_HEAD, PersonWish

if TYPE_CHECKING:
    import pandas as pd

    from service.engine.fleet.nodes import Node
    from service.ledger import Results, Store

DEAD = "its head has died; nothing is lost, continue with: sieve run {}"
PACE = 0.5


class LocalSource:
    """A `Source`: the ledger in the folder ``home``, which need not exist."""

    pace = PACE

    def __init__(self, home: Path) -> None:
        self.home = home
        self.rights = LocalRights(home)

    @property
    def where(self) -> str:
        return str(self.home)

    @cached_property
    def store(self) -> Store:
        """The ledger."""
        from service.ledger.home import open_store

        return open_store(self.home)

    @cached_property
    def results(self) -> Results:
        """What it holds as tables."""
        from service.ledger.results.results import Results

        return Results(self.store)

    def sweeps(self) -> Rows:
        from service.engine.control.head_process import alive

        dead = {sweep.name for sweep in self.store.sweeps() if sweep.state in SWEEP_WITH_HEAD and not alive(sweep)}
        rows = self.results.sweep_rows()
        return [row | {"why": DEAD.format(row["sweep"])} if row["sweep"] in dead else row for row in rows]

    def sweeps_frame(self) -> pd.DataFrame:
        return self.results.sweeps()

    def queue(self) -> Rows:
        return self.results.queue_rows()

    def queue_frame(self) -> pd.DataFrame:
        return self.results.queue()

    def standing(self, name: str) -> Standing:
        from service.engine.control.head_process import alive

        record = self.store.sweep(name)
        live = record.state == "QUEUED" or (record.state in SWEEP_UNDER_WAY and alive(record))
        return Standing(record.state, record.why, live)

    def look(self, name: str) -> Look:
        from service.interface.text.status_view import appraised, avoided

        standing, status = self.standing(name), self.status(name)
        note = DEAD.format(name) if standing.state in SWEEP_WITH_HEAD and not standing.live else status.why
        advice = (*appraised(self.store.worth(name)), *avoided(self.verdicts(name)))
        return Look(status, advice, note)

    def status(self, name: str) -> Status:
        store = self.store
        return snapshot(store.sweep(name), store.trials(name), store.milestones(name), time.time())

    def verdicts(self, name: str) -> Sequence[DecisionRecord]:
        return self.store.decisions(name)

    def rows(self, name: str, table: Table, n: int = 1) -> Rows:
        as_rows, _ = self._tables(n)[table]
        return as_rows(name)

    def frame(self, name: str, table: Table, n: int = 1) -> pd.DataFrame:
        _, as_frame = self._tables(n)[table]
        return as_frame(name)

    def _tables(self, n: int) -> Mapping[Table, tuple[Callable[[str], Rows], Callable[[str], pd.DataFrame]]]:
        """How each table is read, as rows and as a frame; ``n`` is how many of the best."""
        known = self.results
        return {
            "trials": (known.trial_rows, known.trials),
            "history": (known.history_rows, known.history),
            "best": (partial(known.best_rows, n=n), partial(known.best, n=n)),
            "decisions": (known.decision_rows, known.decisions),
            "stages": (known.stage_rows, known.stages),
            "spaces": (known.space_rows, known.spaces),
        }

    def nodes(self) -> list[Node]:
        from service.engine.fleet import local_clusters

        return local_clusters.nodes(self.home)

    def wish(self, name: str, wish: PersonWish) -> Standing:
        from service.engine.control.head_process import alive
        from service.engine.control.wishes import express

        express(self.store, name, wish, getuser(), alive)
        return self.standing(name)

    def extend(self, name: str, trials: int) -> None:
        from service.engine.control import sweep

        sweep.extend(name, trials, self.home)

    def update(self, name: str, priority: int | None = None, weight: float | None = None) -> None:
        self.store.update(name, priority, weight)

    def undo_space(self, name: str) -> int:
        return self.store.undo_space(name).round

    def remove(self, name: str) -> None:
        from service.engine.control import sweep

        sweep.remove(name, self.home)

    def logs(self, name: str, follow: bool = False) -> Iterator[str]:
        self.store.sweep(name)
        log = log_file(self.home, name)
        if not log.exists():
            raise UserError(
                f"{name} has no log: its head on this machine wrote to the terminal that it ran in",
                f"see what was decided with: sieve watch {name}, errors of trials with: sieve trials {name} -o json",
            )
        return self._lines(name, log, follow)

    def _lines(self, name: str, log: Path, follow: bool) -> Iterator[str]:
        with log.open(encoding="utf-8", errors="replace") as text:
            begun = ""
            while True:
                goes_on = follow and self.standing(name).live  # Asked before the last look, so that nothing is missed.
                for piece in text:
                    begun += piece
                    if begun.endswith("\n"):
                        yield begun.removesuffix("\n")
                        begun = ""
                if not goes_on:
                    break
                time.sleep(self.pace)
            if begun:
                yield begun

    def events(self, name: str) -> Iterator[Event]:
        seen, told = len(self.store.decisions(name)), None
        while True:
            now = self.standing(name)
            decisions = self.store.decisions(name)
            for number, decision in enumerate(decisions[seen:], seen):
                yield Event("decision", {"sweep": name, **asdict(decision)}, str(number))
            seen = len(decisions)
            if now != told:
                yield Event("sweep", {"sweep": name, "state": now.state, "why": now.why})
                told = now
            if not now.live:
                return
            time.sleep(self.pace)

    def close(self) -> None:
        pass
