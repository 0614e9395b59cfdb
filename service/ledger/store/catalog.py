"""The sweeps of a store: made, found, listed, changed, removed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from service.ledger import states
from service.ledger.database import tables
from service.ledger.database.database import Database, patient
from service.ledger.errors import OTHER_CODE, AlreadyRunning, KeyInUse, NameInUse
from service.ledger.records import PastRecord, SweepRecord
from service.ledger.store.access import BRIEF, change, find, in_state, record
from service.spec.errors import UserError, nearest
from service.spec.states import SWEEP_NEXT, SWEEP_OVER, SWEEP_WITH_HEAD, SweepState, TrialState

Alive = Callable[[SweepRecord], bool]

CHUNK = 500
"""Names in one query: SQLite takes a bounded number of parameters."""


class Catalog:
    """The sweeps in a database."""

    database: Database

    @patient
    def create(
        self, name: str, spec: dict[str, Any], project: str, owner: str, commit: str | None, simulated: bool = False
    ) -> SweepRecord:
        """Queue a new sweep. Raises NameInUse."""
        return self.add(
            SweepRecord(name, spec, project, owner, "QUEUED", time.time(), commit=commit, simulated=simulated)
        )

    @patient
    def add(self, new: SweepRecord, pasts: Sequence[PastRecord] = ()) -> SweepRecord:
        """The same of a record, with what it learns from, which stays whatever becomes of those sweeps.

        Raises:
            NameInUse: there is a sweep of that name.
            KeyInUse: the owner made a sweep with that key before.
        """
        try:
            with self.database.write() as connection:
                connection.execute(insert(tables.sweeps).values(**asdict(new)))
                if pasts:
                    sweep = find(connection, new.name).id
                    connection.execute(insert(tables.pasts), [{"sweep": sweep, **asdict(past)} for past in pasts])
        except IntegrityError as error:
            with self.database.read() as connection:
                if not _is_there(connection, new):
                    raise _taken(connection, new) from error
        return new

    @patient
    def sweep(self, name: str) -> SweepRecord:
        """The sweep of that name. Raises UnknownSweep."""
        with self.database.read() as connection:
            return record(SweepRecord, find(connection, name))

    @patient
    def keyed(self, owner: str, key: str) -> SweepRecord | None:
        """The sweep that ``owner`` submitted with ``key``; None if there is none."""
        known = tables.sweeps.c
        with self.database.read() as connection:
            row = connection.execute(select(tables.sweeps).where(known.owner == owner, known.key == key)).one_or_none()
            return None if row is None else record(SweepRecord, row)

    @patient
    def sweeps(self, states: Collection[SweepState] | None = None) -> list[SweepRecord]:
        """All sweeps, or those in one of ``states``, oldest first; without their ``diff``."""
        query = select(*BRIEF).order_by(tables.sweeps.c.id)
        if states is not None:
            query = query.where(in_state(*states))
        with self.database.read() as connection:
            return [record(SweepRecord, row) for row in connection.execute(query)]

    @patient
    def page(
        self,
        state: SweepState | None = None,
        owner: str | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[SweepRecord]:
        """Up to ``limit`` sweeps, newest first, without their ``diff``; the next page is ``before`` the last of this.

        Raises:
            UserError: there is no such state, or ``limit`` is below 1.
            UnknownSweep: there is no sweep ``before``.
        """
        _check_page(state, limit)
        known = tables.sweeps.c
        query = select(*BRIEF).order_by(known.id.desc()).limit(limit)
        if state is not None:
            query = query.where(in_state(state))
        if owner is not None:
            query = query.where(known.owner == owner)
        with self.database.read() as connection:
            if before is not None:
                query = query.where(known.id < find(connection, before, columns=[known.id]).id)
            return [record(SweepRecord, row) for row in connection.execute(query)]

    @patient
    def packages(self) -> frozenset[str]:
        """The SHA-256 of the code of all sweeps."""
        known = tables.sweeps.c.package
        with self.database.read() as connection:
            return frozenset(connection.execute(select(known).where(known.is_not(None)).distinct()).scalars())

    @patient
    def counts(self, names: Collection[str] | None = None) -> Mapping[str, Mapping[TrialState, int]]:
        """The numbers of trials by state of the sweeps ``names`` (default: of all); {} for one without trials."""
        known, trials = tables.sweeps.c, tables.trials.c
        found: dict[str, dict[TrialState, int]] = {}
        with self.database.read() as connection:
            chunks = [None] if names is None else _chunks([*names])
            for chunk in chunks:
                chosen = (
                    select(known.id, known.name)
                    if chunk is None
                    else select(known.id, known.name).where(known.name.in_(chunk))
                )
                by_id = {row.id: found.setdefault(row.name, {}) for row in connection.execute(chosen)}
                query = select(trials.sweep, trials.state, func.count()).group_by(trials.sweep, trials.state)
                if chunk is not None:
                    query = query.where(trials.sweep.in_(by_id))
                for sweep, state, count in connection.execute(query):
                    by_id[sweep][state] = count
        return found

    @patient
    def extend(self, name: str, spec: dict[str, Any]) -> None:
        """Replace the spec of a sweep; one that had ended waits in the queue again.

        Raises:
            IllegalTransition: the sweep was cancelled.
        """
        with self.database.write() as connection:
            row = find(connection, name, lock=True)
            state: SweepState = "QUEUED" if row.state in SWEEP_OVER else row.state
            states.check(SWEEP_NEXT, f"sweep {name}", row.state, state)
            change(connection, row.id, spec=spec, state=state)

    @patient
    def update(self, name: str, priority: int | None = None, weight: float | None = None) -> SweepRecord:
        """Change the priority (-100 to 100) or weight (above 0, to 1000) of a sweep; its spec stays as submitted.

        Raises:
            UserError: a value is out of bounds.
        """
        if priority is not None and not -100 <= priority <= 100:
            raise UserError(f"the priority {priority} is out of bounds", "give a whole number from -100 to 100")
        if weight is not None and not (math.isfinite(weight) and 0 < weight <= 1000):
            raise UserError(f"the weight {weight} is out of bounds", "give a number above 0, up to 1000")
        given: dict[str, Any] = {"priority": priority, "weight": weight}
        with self.database.write() as connection:
            row = find(connection, name, lock=True)
            if values := {key: value for key, value in given.items() if value is not None}:
                change(connection, row.id, **values)
            return record(SweepRecord, find(connection, name))

    @patient
    def recode(self, name: str, package: str, commit: str | None, diff: str | None) -> None:
        """Give a sweep other code. Raises AlreadyRunning while a head has it."""
        with self.database.write() as connection:
            row = find(connection, name, lock=True)
            if row.state in SWEEP_WITH_HEAD:
                raise AlreadyRunning(f"{name} is running with other code", OTHER_CODE.format(name))
            change(connection, row.id, package=package, commit=commit, diff=diff)

    @patient
    def remove(self, name: str, alive: Alive) -> None:
        """Delete a sweep and all that belongs to it. Raises AlreadyRunning while its head is ``alive``."""
        with self.database.write() as connection:
            row = find(connection, name, lock=True)
            known = record(SweepRecord, row)
            if known.state in SWEEP_WITH_HEAD and alive(known):
                raise AlreadyRunning(f"{name} is running", f"stop it first: sieve stop {name}")
            connection.execute(delete(tables.sweeps).where(tables.sweeps.c.id == row.id))


def _is_there(connection: Connection, new: SweepRecord) -> bool:
    """Whether it was written before, by a try that did not hear so."""
    known = tables.sweeps.c
    same = (known.name == new.name, known.owner == new.owner, known.created == new.created, known.key == new.key)
    return connection.execute(select(known.id).where(*same)).one_or_none() is not None


def _taken(connection: Connection, new: SweepRecord) -> UserError:
    known = tables.sweeps.c
    keyed = select(known.name).where(known.owner == new.owner, known.key == new.key)
    if new.key is not None and (name := connection.execute(keyed).scalar()) is not None:
        return KeyInUse(
            f"the key {new.key!r} was used for the sweep {name!r}", "submit with another key for another sweep", name
        )
    return NameInUse(
        f"there is a sweep {new.name!r} already", f"choose another name, or remove it: sieve rm {new.name}"
    )


def _check_page(state: str | None, limit: int) -> None:
    if state is not None and state not in SWEEP_NEXT:
        raise UserError(f"there is no state {state!r}{nearest(state, SWEEP_NEXT)}", f"states: {', '.join(SWEEP_NEXT)}")
    if limit < 1:
        raise UserError(f"a page of {limit} sweeps holds nothing", "ask for 1 or more")


def _chunks(names: list[str]) -> list[list[str]]:
    return [names[i : i + CHUNK] for i in range(0, len(names), CHUNK)]
