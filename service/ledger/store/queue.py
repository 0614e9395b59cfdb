"""The queue of a store: which sweep gets a head, and what people and the scheduler of the cluster want of it.

Every verb locks the sweep's row, or changes it by one statement that says what it must hold: of many processes that
do the same at once, one gets it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, literal, select, update

from service.ledger import states
from service.ledger.database import tables
from service.ledger.database.database import Database, patient
from service.ledger.errors import AlreadyRunning, LostClaim
from service.ledger.records import SweepRecord
from service.ledger.store.access import change, find, in_state, record, unknown, upsert
from service.ledger.store.catalog import Alive
from service.spec.errors import UserError, nearest
from service.spec.states import (
    PERSON_WISHES,
    STATE_WISHED,
    SWEEP_NEXT,
    SWEEP_OVER,
    SWEEP_WITH_HEAD,
    SWEEP_WITHOUT_HEAD,
    TRIAL_OPEN,
    CutShort,
    DecisionKind,
    Holder,
    PersonWish,
    SweepState,
    TrialState,
    Wish,
    is_cut_short,
)

IDLE: dict[str, Any] = {
    "head": None,
    "holder": None,
    "heartbeat": None,
    "slots": None,
    "running": None,
    "wanted": None,
    "asks": None,
}
"""What a sweep without a head has of all that a head tells."""

RESTED: dict[str, Any] = {"barren": 0, "delays": 0, "due": None}
"""What a sweep has that nothing went wrong with of late."""

_known = tables.sweeps.c
_ran = case((_known.heartbeat > _known.claimed, _known.heartbeat - _known.claimed), else_=0.0)
"""Seconds that the present head ran, as far as it was heard of; not fewer than none, for clocks differ."""


class Queue:
    """The queue of sweeps in a database."""

    database: Database

    @patient
    def claim(self, name: str, head: str, alive: Alive) -> SweepRecord:
        """Make ``head`` the sweep's one head: its attempt grows, its wish is cleared, its cut-off trials wait again.

        Raises:
            AlreadyRunning: its present head is ``alive``.
            IllegalTransition: the sweep has ended.
        """
        now = time.time()
        with self.database.write() as connection:
            row = find(connection, name, lock=True)
            known = record(SweepRecord, row)
            if known.state in SWEEP_WITH_HEAD and alive(known):
                silence = now - (known.heartbeat or now)
                raise AlreadyRunning(
                    f"{name} is running already: head {known.head}, heard of {silence:.0f} s ago",
                    f"watch it with `sieve status {name}`, or stop it with `sieve stop {name}`",
                )
            states.check(SWEEP_NEXT, f"sweep {name}", known.state, "STARTING")
            ran = max(0.0, (known.heartbeat or now) - (known.claimed or now)) if known.state in SWEEP_WITH_HEAD else 0.0
            change(connection, row.id, **_begun(head, "person", now), wish=None, seconds=known.seconds + ran)
            release_trials(connection, row.id, "its head ended before it did")
            return record(SweepRecord, find(connection, name))

    @patient
    def next(self, head: str, names: Collection[str] | None = None) -> SweepRecord | None:
        """Claim the first sweep that waits in the queue for ``head``, a daemon's: highest priority, then oldest.

        Only among ``names`` if given. A sweep that someone has a wish for is passed over: see `settle`. Its attempt
        grows, and its heartbeat begins: a head that never comes is noticed. None: nothing waits.
        """
        if names is not None and not names:
            return None
        waiting = tables.sweeps.alias("waiting").c
        first = select(waiting.id).where(waiting.state == "QUEUED", waiting.wish.is_(None))
        if names is not None:
            first = first.where(waiting.name.in_(names))
        first = first.order_by(waiting.priority.desc(), waiting.id).limit(1).with_for_update(skip_locked=True)
        statement = (
            update(tables.sweeps)
            .where(_known.id == first.scalar_subquery(), in_state("QUEUED"))
            .values(**_begun(head, "daemon", time.time()))
            .returning(tables.sweeps)
        )
        with self.database.write() as connection:
            row = connection.execute(statement).one_or_none()
            if row is None:
                return None
            release_trials(connection, row.id, "its head ended before it did")
            return record(SweepRecord, row)

    @patient
    def reclaim(self, name: str, attempt: int, head: str) -> SweepRecord | None:
        """Take over a sweep whose head in ``attempt`` is silent: the next attempt is ``head``'s, a daemon's.

        None if someone else did, or the head ended. What a person wishes of the sweep stays.

        Raises:
            UnknownSweep: there is no such sweep.
        """
        statement = (
            update(tables.sweeps)
            .where(_known.name == name, _known.attempt == attempt, in_state(*SWEEP_WITH_HEAD))
            .values(**_begun(head, "daemon", time.time()), seconds=_known.seconds + _ran, running=None, wanted=None)
            .returning(tables.sweeps)
        )
        with self.database.write() as connection:
            row = connection.execute(statement).one_or_none()
            if row is None:
                find(connection, name, columns=[_known.id])
                return None
            release_trials(connection, row.id, "its head was lost")
            return record(SweepRecord, row)

    @patient
    def requeue(self, name: str, attempt: int, why: str, due: float | None = None) -> None:
        """Put a sweep whose head in ``attempt`` did not come, or is gone, back into the queue.

        ``due``: it could not be launched, and is to be tried again then, in seconds since the epoch.

        Raises:
            LostClaim: ``attempt`` is not the sweep's present one, or it has ended.
        """
        with self.database.write() as connection:
            row = find(connection, name, lock=True)
            if row.attempt != attempt or row.state not in SWEEP_WITH_HEAD:
                raise LostClaim(
                    f"attempt {attempt} at {name} has lost it: the sweep is {row.state} in attempt {row.attempt}",
                    "nothing is left to do",
                )
            states.check(SWEEP_NEXT, f"sweep {name}", row.state, "QUEUED")
            begun = case((_known.barren > 0, _known.barren - 1), else_=0)
            values = {"why": why, "seconds": _known.seconds + _ran, "barren": begun}
            delay = {} if due is None else {"due": due, "delays": _known.delays + 1, "made_room_for": None}
            change(connection, row.id, state="QUEUED", **IDLE, **values, **delay)
            release_trials(connection, row.id, why)

    @patient
    def share(self, allotments: Mapping[str, tuple[int | None, str]]) -> None:
        """Note by name how many trials a sweep may train at once (None: as many as fit), and why it has not more.

        What is so already is not written, nor is anything of sweeps that have ended or are gone.
        """
        with self.database.read() as connection:
            rows = connection.execute(select(_known.name, _known.slots, _known.waits).where(~in_state(*SWEEP_OVER)))
            now = {row.name: (row.slots, row.waits) for row in rows}
        changed = sorted(name for name, wanted in allotments.items() if name in now and now[name] != tuple(wanted))
        if not changed:
            return
        statement = (
            update(tables.sweeps)
            .where(_known.name == bindparam("of"), ~in_state(*SWEEP_OVER))
            .values(slots=bindparam("given"), waits=bindparam("reason"))
        )
        values = [{"of": name, "given": allotments[name][0], "reason": allotments[name][1]} for name in changed]
        with self.database.write() as connection:  # in one order for all who do this: they never wait in a circle
            connection.execute(statement, values)

    @patient
    def wish(self, name: str, wish: PersonWish) -> None:
        """Note what a person wants of a sweep: pause, stop or cancel. Its head acts on it; without one, see `settle`.

        To resume takes a wish to pause back, also where the head has begun to: see `Journal.end`.

        Raises:
            UserError: there is no such wish.
            IllegalTransition: the sweep has ended.
        """
        if wish not in PERSON_WISHES:
            raise UserError(
                f"a sweep cannot {wish!r}{nearest(wish, PERSON_WISHES)}", f"wishes are {', '.join(PERSON_WISHES)}"
            )
        with self.database.write() as connection:
            row = find(connection, name, lock=True, columns=[_known.id, _known.state])
            if row.state in SWEEP_OVER:
                raise states.IllegalTransition(f"sweep {name} is {row.state}: there is nothing to {wish}", "it is over")
            change(connection, row.id, wish=wish)

    @patient
    def withdraw(self, name: str) -> None:
        """Take back what a person wished of a sweep, if its head has not acted on it yet. Raises UnknownSweep."""
        with self.database.write() as connection:
            if connection.execute(update(tables.sweeps).where(_known.name == name).values(wish=None)).rowcount == 0:
                raise unknown(connection, name)

    @patient
    def displace(self, name: str, attempt: int, urgent: str, reason: str, numbers: Mapping[str, Any]) -> bool:
        """Ask the head of ``attempt`` to make room for the sweep ``urgent``, put on record as a decision.

        It pauses, and its sweep waits in the queue again. False: it has ended, or a person wishes something of it.
        """
        with self.database.write() as connection:
            row = find(connection, name, lock=True)
            if row.attempt != attempt or row.state not in SWEEP_WITH_HEAD or row.wish is not None:
                return False
            wish: Wish = "yield"
            change(connection, row.id, wish=wish, why=reason, made_room_for=urgent)
            newest = (
                select(tables.trials).where(tables.trials.c.sweep == row.id).order_by(tables.trials.c.number.desc())
            )
            trial = connection.execute(newest.limit(1)).one_or_none()
            ran = max(0.0, (row.heartbeat or 0.0) - (row.claimed or 0.0))
            about = {"reason": reason, "numbers": dict(numbers), "time": row.seconds + ran}
            verdict: DecisionKind = "yield"
            at = {"trial": trial.number if trial else 0, "stage": trial.stage if trial else 0, "verdict": verdict}
            put = upsert(connection, tables.decisions).values(sweep=row.id, **at, **about)
            where = ["sweep", "trial", "stage", "verdict"]
            connection.execute(put.on_conflict_do_update(index_elements=where, set_=about))
            return True

    @patient
    def settle(self, name: str, state: SweepState, why: str) -> SweepRecord:
        """Change the state of a sweep that has no head, as a person wished; the wish is fulfilled.

        From QUEUED or PAUSED to PAUSED, STOPPED, CANCELLED or QUEUED. A sweep that is STOPPED or CANCELLED has no open
        trials any more.

        Raises:
            IllegalTransition: the sweep has a head, has ended, or cannot have that state.
        """
        now, over = time.time(), state in SWEEP_OVER
        with self.database.write() as connection:
            row = find(connection, name, lock=True)
            if row.state not in SWEEP_WITHOUT_HEAD or state not in STATE_WISHED.values():
                settled = " or ".join(SWEEP_WITHOUT_HEAD)
                raise states.IllegalTransition(
                    f"sweep {name} is {row.state} and cannot be made {state}",
                    f"only one that is {settled} is settled; the head of a running one acts on wishes",
                )
            states.check(SWEEP_NEXT, f"sweep {name}", row.state, state)
            values: dict[str, Any] = {"why": why, "wish": None, "waits": "", "finished": now if over else None}
            values["made_room_for"] = None
            change(connection, row.id, state=state, **IDLE, **RESTED, **values)
            if is_cut_short(state):
                end_trials(connection, row.id, state, f"the sweep ended: {why}", now)
            return record(SweepRecord, find(connection, name))


def _begun(head: str, holder: Holder, now: float) -> dict[str, Any]:
    """What a sweep has when a head gets it."""
    state: SweepState = "STARTING"
    return {
        "state": state,
        "why": "",
        "made_room_for": None,
        "head": head,
        "holder": holder,
        "heartbeat": now,
        "claimed": now,
        "attempt": _known.attempt + 1,
        "barren": _known.barren + 1,
        "started": func.coalesce(_known.started, literal(now)),
        "finished": None,
    }


def release_trials(connection: Connection, sweep: int, why: str) -> None:
    """Trials that run have lost their head, and wait."""
    trials = tables.trials.c
    cut_off: TrialState = "RUNNING"
    waiting: TrialState = "PENDING"
    running = update(tables.trials).where(trials.sweep == sweep, trials.state == cut_off)
    connection.execute(running.values(state=waiting, why=why))


def end_trials(connection: Connection, sweep: int, state: CutShort, why: str, now: float) -> None:
    """Trials that are still open end with their sweep."""
    trials = tables.trials.c
    left = update(tables.trials).where(trials.sweep == sweep, trials.state.in_(TRIAL_OPEN))
    connection.execute(left.values(state=state, why=why, finished=now))
