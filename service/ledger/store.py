"""The store: every sweep with its trials, reports and decisions, and the queue of sweeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from service.ledger import states, tables
from service.ledger.database import Database, DiskFull
from service.ledger.heads import Heads
from service.ledger.ledger import Needs, Orders
from service.ledger.quotas import Quotas
from service.ledger.records import (
    Batch,
    DecisionRecord,
    PastRecord,
    PastTrial,
    ReportRecord,
    SpaceRecord,
    SweepRecord,
    TrialRecord,
    WorthRecord,
)
from service.spec.errors import SieveError, UserError, nearest

__all__ = ["AlreadyRunning", "DiskFull", "LostClaim", "NameInUse", "Store", "UnknownSweep"]

Alive = Callable[[SweepRecord], bool]
Record = TypeVar("Record", SweepRecord, TrialRecord, ReportRecord, DecisionRecord, SpaceRecord, PastRecord, WorthRecord)

WISHES = ("pause", "resume", "stop", "cancel")
HEADED = ("STARTING", "RUNNING")
ENDED = ("SUCCEEDED", "STOPPED", "FAILED", "CANCELLED")


class NameInUse(UserError):
    """A sweep of that name exists."""


class UnknownSweep(UserError):
    """No sweep has that name."""


class AlreadyRunning(UserError):
    """Another head runs the sweep."""


class LostClaim(SieveError):
    """Another head has taken the sweep over; this one may not write any more."""


class Store:
    """The ledger of all sweeps in the database at ``url``; safe to use from several threads and processes.

    Raises:
        UserError: the database cannot be opened or written.
        NewerSchema: it was written by a newer Sieve.
    """

    def __init__(self, url: str | URL) -> None:
        self.database = Database(url)
        self.heads = Heads(self.database)
        self.quotas = Quotas(self.database)

    def create(
        self, name: str, spec: dict[str, Any], project: str, owner: str, commit: str | None, simulated: bool = False
    ) -> SweepRecord:
        """Queue a new sweep. Raises NameInUse."""
        return self.add(
            SweepRecord(name, spec, project, owner, "QUEUED", time.time(), commit=commit, simulated=simulated)
        )

    def add(self, record: SweepRecord, pasts: Sequence[PastRecord] = ()) -> SweepRecord:
        """The same of a record, with what it learns from, which stays whatever becomes of those sweeps."""
        name = record.name
        try:
            with self.database.write() as connection:
                connection.execute(insert(tables.sweeps).values(**asdict(record)))
                if pasts:
                    sweep = _row(connection, name).id
                    connection.execute(insert(tables.pasts), [{"sweep": sweep, **asdict(past)} for past in pasts])
        except IntegrityError as error:
            raise NameInUse(
                f"there is a sweep {name!r} already", f"choose another name, or remove it: sieve rm {name}"
            ) from error
        return record

    def sweep(self, name: str) -> SweepRecord:
        """The sweep of that name. Raises UnknownSweep."""
        with self.database.read() as connection:
            return _record(SweepRecord, _row(connection, name))

    def sweeps(self) -> list[SweepRecord]:
        """All sweeps, oldest first."""
        with self.database.read() as connection:
            rows = connection.execute(select(tables.sweeps).order_by(tables.sweeps.c.id))
            return [_record(SweepRecord, row) for row in rows]

    def claim(self, name: str, head: str, alive: Alive) -> SweepRecord:
        """Make ``head`` the sweep's one head: its attempt grows, its wish is cleared, its cut-off trials wait again.

        Raises:
            AlreadyRunning: its present head is ``alive``.
            IllegalTransition: the sweep has ended.
        """
        now = time.time()
        with self.database.write() as connection:
            row = _row(connection, name)
            known = _record(SweepRecord, row)
            if known.state in HEADED and alive(known):
                silence = now - (known.heartbeat or now)
                raise AlreadyRunning(
                    f"{name} is running already: head {known.head}, heard of {silence:.0f} s ago",
                    f"watch it with `sieve status {name}`, or stop it with `sieve stop {name}`",
                )
            states.check(states.SWEEP, f"sweep {name}", known.state, "STARTING")
            ran = max(0.0, (known.heartbeat or now) - (known.claimed or now)) if known.state in HEADED else 0.0
            _change(
                connection,
                row.id,
                state="STARTING",
                why="",
                wish=None,
                head=head,
                heartbeat=now,
                attempt=known.attempt + 1,
                started=known.started or now,
                finished=None,
                seconds=known.seconds + ran,
                claimed=now,
            )
            connection.execute(
                update(tables.trials)
                .where(tables.trials.c.sweep == row.id, tables.trials.c.state == "RUNNING")
                .values(state="PENDING", why="its head ended before it did")
            )
            return _record(SweepRecord, _row(connection, name))

    def beat(self, name: str, attempt: int, state: str | None = None, needs: Needs | None = None) -> Orders:
        """Renew the claim, with a new state and what the head needs, if given. Raises LostClaim, IllegalTransition."""
        with self._claimed(name, attempt) as (connection, row):
            changes: dict[str, Any] = {"heartbeat": time.time()}
            if state is not None:
                states.check(states.SWEEP, f"sweep {name}", row.state, state)
                changes["state"] = state
            if needs is not None:
                changes |= asdict(needs)
            _change(connection, row.id, **changes)
            return Orders(row.wish, row.slots)

    def end(self, name: str, attempt: int, state: str, why: str) -> None:
        """The head is done: the sweep gets its state and the reason. Raises LostClaim, IllegalTransition."""
        now = time.time()
        with self._claimed(name, attempt) as (connection, row):
            states.check(states.SWEEP, f"sweep {name}", row.state, state)
            _change(
                connection,
                row.id,
                state=state,
                why=why,
                wish=None,
                head=None,
                heartbeat=None,
                slots=None,
                running=None,
                wanted=None,
                asks=None,
                finished=None if state == "PAUSED" else now,
                seconds=row.seconds + now - row.claimed,
            )

    def wish(self, name: str, wish: str) -> None:
        """Note what a person wants of a sweep: pause, stop or cancel. Its head acts on it, or none is needed."""
        if wish not in WISHES:
            raise UserError(f"a sweep cannot {wish!r}{nearest(wish, WISHES)}", f"wishes are {', '.join(WISHES)}")
        with self.database.write() as connection:
            _change(connection, _row(connection, name).id, wish=wish)

    def extend(self, name: str, spec: dict[str, Any]) -> None:
        """Replace the spec of a sweep; one that had ended waits in the queue again.

        Raises:
            IllegalTransition: the sweep was cancelled.
        """
        with self.database.write() as connection:
            row = _row(connection, name)
            state = "QUEUED" if row.state in ENDED else row.state
            states.check(states.SWEEP, f"sweep {name}", row.state, state)
            _change(connection, row.id, spec=spec, state=state)

    def remove(self, name: str, alive: Alive) -> None:
        """Delete a sweep and all that belongs to it. Raises AlreadyRunning while its head is ``alive``."""
        with self.database.write() as connection:
            row = _row(connection, name)
            known = _record(SweepRecord, row)
            if known.state in HEADED and alive(known):
                raise AlreadyRunning(f"{name} is running: head {known.head}", f"stop it first: sieve stop {name}")
            connection.execute(delete(tables.sweeps).where(tables.sweeps.c.id == row.id))

    def append(self, name: str, attempt: int, batch: Batch) -> None:
        """Write a batch in one transaction. A report or decision that is there already stays as it is.

        Raises:
            LostClaim: ``attempt`` is not the sweep's present one.
            IllegalTransition: a trial would change to a state that cannot follow its own.
            DiskFull: there is no room; nothing of the batch is written.
        """
        with self._claimed(name, attempt) as (connection, row):
            if batch.trials:
                _check_trials(connection, row.id, batch)
                statement = upsert(tables.trials)
                changed = {field.name: statement.excluded[field.name] for field in fields(TrialRecord)}
                connection.execute(
                    statement.on_conflict_do_update(index_elements=["sweep", "number"], set_=changed),
                    [{"sweep": row.id, **asdict(trial)} for trial in batch.trials],
                )
            for table in (tables.reports, tables.decisions, tables.spaces, tables.worth):
                if rows := [{"sweep": row.id, **asdict(record)} for record in getattr(batch, table.name)]:
                    connection.execute(upsert(table).on_conflict_do_nothing(), rows)

    def undo_space(self, name: str) -> SpaceRecord:
        """Take back the newest narrowing that is not undone yet, and what was made of it since.

        All stays on record, and the next round begins with the space before.

        Raises:
            UserError: there is none.
        """
        with self.database.write() as connection:
            owner, known = _row(connection, name).id, tables.spaces
            newest = connection.execute(
                select(known).where(known.c.sweep == owner, ~known.c.undone).order_by(known.c.id.desc())
            )
            row = next((row for row in newest if row.reasons), None)
            if row is None:
                raise UserError(f"{name} has no narrowing to undo", f"see its spaces: sieve space {name}")
            connection.execute(update(known).where(known.c.sweep == owner, known.c.id >= row.id).values(undone=True))
            return replace(_record(SpaceRecord, row), undone=True)

    def trials(self, name: str) -> list[TrialRecord]:
        """The trials of a sweep by number."""
        return self._all(TrialRecord, tables.trials, name, tables.trials.c.number)

    def reports(self, name: str) -> list[ReportRecord]:
        """The reports of a sweep in the order they came in."""
        return self._all(ReportRecord, tables.reports, name, tables.reports.c.id)

    def decisions(self, name: str) -> list[DecisionRecord]:
        """The decisions of a sweep in the order they fell."""
        return self._all(DecisionRecord, tables.decisions, name, tables.decisions.c.id)

    def spaces(self, name: str) -> list[SpaceRecord]:
        """The spaces of a sweep's rounds from 1 on, in the order they were made."""
        return self._all(SpaceRecord, tables.spaces, name, tables.spaces.c.id)

    def pasts(self, name: str) -> list[PastRecord]:
        """What a sweep learns from, as it was when the sweep was created, in the order of its spec."""
        kept = self._all(PastRecord, tables.pasts, name, tables.pasts.c.id)
        return [replace(past, trials=[_past_trial(raw) for raw in past.trials]) for past in kept]

    def worth(self, name: str) -> list[WorthRecord]:
        """The estimates of what the stages of a sweep are worth, oldest first."""
        return self._all(WorthRecord, tables.worth, name, tables.worth.c.id)

    def _all(self, kind: type[Record], table: Any, name: str, order: Any) -> list[Record]:
        with self.database.read() as connection:
            sweep = _row(connection, name).id
            rows = connection.execute(select(table).where(table.c.sweep == sweep).order_by(order))
            return [_record(kind, row) for row in rows]

    def next(self, holder: str, names: Sequence[str] | None = None) -> SweepRecord | None:
        """(temporary) Claim the first queued sweep."""
        for known in sorted(self.sweeps(), key=lambda sweep: -sweep.priority):
            if known.state == "QUEUED" and (names is None or known.name in names):
                return self.claim(known.name, holder, lambda _: False)
        return None

    def reclaim(self, name: str, attempt: int, holder: str) -> SweepRecord | None:
        """(temporary) Take a stalled attempt over."""
        known = self.sweep(name)
        if known.attempt != attempt or known.state not in HEADED:
            return None
        return self.claim(name, holder, lambda sweep: sweep.attempt != attempt)

    def requeue(self, name: str, attempt: int, why: str) -> None:
        """(temporary) Back into the queue."""
        self.end(name, attempt, "QUEUED", why)

    def share(self, allotments: Mapping[str, tuple[int | None, str]]) -> None:
        """(temporary) Note what each sweep may train and what it waits for."""
        with self.database.write() as connection:
            for name, (slots, waits) in allotments.items():
                _change(connection, _row(connection, name).id, slots=slots, waits=waits)

    def withdraw(self, name: str) -> None:
        """(temporary) Forget a wish."""
        with self.database.write() as connection:
            _change(connection, _row(connection, name).id, wish=None)

    def settle(self, name: str, state: str, why: str) -> None:
        """(temporary) The state of a sweep without a head, by a person's wish; its open trials end with it."""
        with self.database.write() as connection:
            row = _row(connection, name)
            states.check(states.SWEEP, f"sweep {name}", row.state, state)
            _change(
                connection, row.id, state=state, why=why, wish=None, head=None, heartbeat=None, slots=None, waits=""
            )
            if state in ENDED:
                known = tables.trials.c
                connection.execute(
                    update(tables.trials)
                    .where(known.sweep == row.id, known.state.in_(states.OPEN))
                    .values(state="CANCELLED" if state == "CANCELLED" else "STOPPED", why=f"the sweep ended: {why}")
                )

    def page(self, state: str | None = None, limit: int = 100) -> list[SweepRecord]:
        """(temporary) Some sweeps, newest first."""
        return [sweep for sweep in reversed(self.sweeps()) if state in (None, sweep.state)][:limit]

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """(temporary) Take or renew a lease."""
        leases, now = tables.leases, time.time()
        with self.database.write() as connection:
            row = connection.execute(select(leases).where(leases.c.name == name)).first()
            if row is not None and row.holder != holder and row.expires > now:
                return False
            connection.execute(delete(leases).where(leases.c.name == name))
            connection.execute(insert(leases).values(name=name, holder=holder, expires=now + seconds))
            return True

    def usage(self) -> Mapping[str, float]:
        """(temporary) GPU seconds by owner."""
        query = select(tables.sweeps.c.owner, func.sum(tables.trials.c.gpu_seconds)).join(tables.trials)
        with self.database.read() as connection:
            rows = connection.execute(query.group_by(tables.sweeps.c.owner)).all()
            return {row[0]: row[1] for row in rows}

    @contextmanager
    def _claimed(self, name: str, attempt: int) -> Iterator[tuple[Connection, Any]]:
        with self.database.write() as connection:
            row = _row(connection, name)
            if row.attempt != attempt or row.state not in HEADED:
                raise LostClaim(
                    f"attempt {attempt} at {name} has lost it: the sweep is {row.state} in attempt {row.attempt}",
                    "let the other head run, or run the sweep again",
                )
            yield connection, row


def _row(connection: Connection, name: str) -> Any:
    row = connection.execute(select(tables.sweeps).where(tables.sweeps.c.name == name)).one_or_none()
    if row is None:
        names = connection.execute(select(tables.sweeps.c.name)).scalars().all()
        known = f"there are {', '.join(names)}" if names else "there are none yet"
        raise UnknownSweep(f"there is no sweep {name!r}{nearest(name, names)}; {known}", "see: sieve ls")
    return row


def _record(kind: type[Record], row: Row[Any]) -> Record:
    return kind(**{field.name: row._mapping[field.name] for field in fields(kind)})


def _past_trial(raw: Any) -> PastTrial:
    return PastTrial(**{**raw, "values": {int(stage): value for stage, value in raw["values"].items()}})


def _change(connection: Connection, sweep: int, **values: Any) -> None:
    connection.execute(update(tables.sweeps).where(tables.sweeps.c.id == sweep).values(**values))


def _check_trials(connection: Connection, sweep: int, batch: Batch) -> None:
    known = tables.trials.c
    numbers = [trial.number for trial in batch.trials]
    query = select(known.number, known.state).where(known.sweep == sweep, known.number.in_(numbers))
    before = {row.number: row.state for row in connection.execute(query)}
    for trial in batch.trials:
        if trial.number in before:
            states.check(states.TRIAL, f"trial {trial.number}", before[trial.number], trial.state)
