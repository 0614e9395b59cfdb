"""What a head writes into a store, and what it and everyone else reads there: see the protocol `Ledger`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, update

from service.ledger import states
from service.ledger.database import tables
from service.ledger.database.database import Database, patient
from service.ledger.errors import LostClaim
from service.ledger.ledger import Needs, Orders
from service.ledger.records import (
    Batch,
    DecisionRecord,
    PastRecord,
    PastTrial,
    ReportRecord,
    SpaceRecord,
    TrialRecord,
    WorthRecord,
)
from service.ledger.store.access import Record, change, find, record, upsert
from service.ledger.store.queue import IDLE, RESTED, end_trials, release_trials
from service.ledger.wishes import left
from service.spec.errors import UserError
from service.spec.states import (
    FAILURE_DECISIONS,
    STATE_WISHED,
    SWEEP_LEFT_BY_HEAD,
    SWEEP_NEXT,
    SWEEP_OVER,
    SWEEP_WITH_HEAD,
    SWEEP_WITHOUT_HEAD,
    TRIAL_NEXT,
    SweepState,
    Wish,
    is_cut_short,
)

_sweeps = tables.sweeps.c
_CLAIM = tuple(
    _sweeps[name]
    for name in ("id", "state", "attempt", "wish", "why", "slots", "seconds", "claimed", "barren", "made_room_for")
)


class SweepLedger:
    """The trials, reports, decisions, spaces and estimates of the sweeps in a database."""

    database: Database

    @patient
    def beat(self, name: str, attempt: int, state: SweepState | None = None, needs: Needs | None = None) -> Orders:
        """Renew the claim, with a new state and what the head needs, if given. Raises LostClaim, IllegalTransition.

        A head that gives no state may be about to end.
        """
        with self._claimed(name, attempt) as (connection, row):
            changes: dict[str, Any] = {"heartbeat": time.time()}
            if state is not None:
                _check_change(name, row.state, state, SWEEP_WITH_HEAD)
                changes["state"] = state
                wish: Wish | None = row.wish
                if wish == "resume":  # It goes on, and had not heard that it was to pause.
                    changes["wish"] = None
            if needs is not None:
                changes |= asdict(needs)
            change(connection, row.id, **changes)
            return Orders(row.wish, row.slots)

    @patient
    def end(self, name: str, attempt: int, state: SweepState, why: str) -> None:
        """The head is done: the sweep gets its state and the reason; a second time changes nothing.

        What a person wishes of a sweep that is left unfinished is done, even if the head has not heard of it.

        Raises:
            LostClaim: ``attempt`` is not the sweep's present one.
            IllegalTransition: a head cannot leave a sweep in that state.
        """
        now = time.time()
        with self.database.write() as connection:
            row = find(connection, name, lock=True, columns=(*_CLAIM, _sweeps.head))
            after = (state, *STATE_WISHED.values()) if state in SWEEP_WITHOUT_HEAD else (state,)
            if (row.attempt, row.head) == (attempt, None) and row.state in after:
                return  # said before, by a head that did not hear that it was heard
            _check_claim(name, attempt, row)
            _check_change(name, row.state, state, SWEEP_LEFT_BY_HEAD)
            made_room_for = None
            if left(state, row.wish) != state:
                state, why = left(state, row.wish), f"{row.wish} as wished"
            elif state == "QUEUED":
                why, made_room_for = row.why or why, row.made_room_for
            over = state in SWEEP_OVER
            ran = max(0.0, now - row.claimed)
            values: dict[str, Any] = {"why": why, "wish": None, "waits": "", "finished": now if over else None}
            values["made_room_for"] = made_room_for
            change(connection, row.id, state=state, **IDLE, **RESTED, **values, seconds=row.seconds + ran)
            if is_cut_short(state):
                end_trials(connection, row.id, state, f"the sweep ended: {why}", now)
            else:
                release_trials(connection, row.id, why)

    @patient
    def append(self, name: str, attempt: int, batch: Batch) -> None:
        """Write a batch in one transaction.

        A report or decision that is there already stays as it is, but for decisions on failures: there the newest
        counts.

        Raises:
            LostClaim: ``attempt`` is not the sweep's present one.
            IllegalTransition: a trial would change to a state that cannot follow its own.
            DiskFull: there is no room; nothing of the batch is written.
        """
        with self._claimed(name, attempt) as (connection, row):
            if batch.trials:
                _check_trials(connection, row.id, batch)
                statement = upsert(connection, tables.trials)
                changed = {field.name: statement.excluded[field.name] for field in fields(TrialRecord)}
                connection.execute(
                    statement.on_conflict_do_update(index_elements=["sweep", "number"], set_=changed),
                    [{"sweep": row.id, **asdict(trial)} for trial in batch.trials],
                )
            _make_way(connection, row.id, batch)
            for table in (tables.reports, tables.decisions, tables.spaces, tables.worth):
                if rows := [{"sweep": row.id, **asdict(record)} for record in getattr(batch, table.name)]:
                    connection.execute(upsert(connection, table).on_conflict_do_nothing(), rows)
            if batch.reports and row.barren:
                change(connection, row.id, barren=0)

    @patient
    def undo_space(self, name: str) -> SpaceRecord:
        """Take back the newest narrowing that is not undone yet, and what was made of it since.

        All stays on record, and the next round begins with the space before.

        Raises:
            UserError: there is none.
        """
        with self.database.write() as connection:
            owner, known = find(connection, name, lock=True).id, tables.spaces
            newest = connection.execute(
                select(known).where(known.c.sweep == owner, ~known.c.undone).order_by(known.c.id.desc())
            )
            row = next((row for row in newest if row.reasons), None)
            if row is None:
                raise UserError(f"{name} has no narrowing to undo", f"see its spaces: sieve space {name}")
            connection.execute(update(known).where(known.c.sweep == owner, known.c.id >= row.id).values(undone=True))
            return replace(record(SpaceRecord, row), undone=True)

    def trials(self, name: str) -> list[TrialRecord]:
        """The trials of a sweep by number."""
        return self._all(TrialRecord, tables.trials, name, tables.trials.c.number)

    def reports(self, name: str) -> list[ReportRecord]:
        """The reports of a sweep in the order they came in."""
        return self._all(ReportRecord, tables.reports, name, tables.reports.c.id)

    @patient
    def milestones(self, name: str) -> list[ReportRecord]:
        """The reports at the end of a stage and the newest of each trial, in the order they came in.

        ``seconds`` of the newest are those of all that are left out, too: sums over a trial are what they were, and so
        `status.snapshot` is that of all reports.
        """
        known = tables.reports.c
        with self.database.read() as connection:
            sweep = find(connection, name, columns=[_sweeps.id]).id
            mine = known.sweep == sweep
            newest = select(func.max(known.id)).where(mine).group_by(known.trial)
            sums = select(func.max(known.id), func.sum(known.seconds)).where(mine).group_by(known.trial)
            totals = {row[0]: row[1] for row in connection.execute(sums)}
            query = select(tables.reports).where(mine, or_(known.stage_end, known.id.in_(newest))).order_by(known.id)
            return _summed(connection.execute(query), totals)

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

    @patient
    def _all(self, kind: type[Record], table: Any, name: str, order: Any) -> list[Record]:
        with self.database.read() as connection:
            sweep = find(connection, name, columns=[_sweeps.id]).id
            rows = connection.execute(select(table).where(table.c.sweep == sweep).order_by(order))
            return [record(kind, row) for row in rows]

    @contextmanager
    def _claimed(self, name: str, attempt: int) -> Iterator[tuple[Connection, Any]]:
        with self.database.write() as connection:
            row = find(connection, name, lock=True, columns=_CLAIM)
            _check_claim(name, attempt, row)
            yield connection, row


def _summed(rows: Iterable[Any], totals: Mapping[int, float]) -> list[ReportRecord]:
    """The reports of ``rows``; the ``totals`` are the seconds of a trial by the id of its newest."""
    spent: dict[int, float] = {}
    found = []
    for row in rows:
        report, before = record(ReportRecord, row), spent.get(row.trial, 0.0)
        found.append(replace(report, seconds=totals[row.id] - before) if row.id in totals else report)
        spent[row.trial] = before + report.seconds
    return found


def _make_way(connection: Connection, sweep: int, batch: Batch) -> None:
    """Take back older decisions of the same kind on the same trial, so that the new ones come last."""
    known = tables.decisions.c
    for one in batch.decisions:
        if one.verdict in FAILURE_DECISIONS:
            same = (known.trial == one.trial, known.stage == one.stage, known.verdict == one.verdict)
            connection.execute(delete(tables.decisions).where(known.sweep == sweep, *same, known.time < one.time))


def _check_claim(name: str, attempt: int, row: Any) -> None:
    if row.attempt != attempt or row.state not in SWEEP_WITH_HEAD:
        raise LostClaim(
            f"attempt {attempt} at {name} has lost it: the sweep is {row.state} in attempt {row.attempt}",
            "let the other head run, or run the sweep again",
        )


def _check_change(name: str, old: SweepState, new: SweepState, allowed: tuple[SweepState, ...]) -> None:
    if new in SWEEP_NEXT and new not in allowed:
        raise states.IllegalTransition(f"the head of {name} cannot make it {new}", f"it may be {', '.join(allowed)}")
    states.check(SWEEP_NEXT, f"sweep {name}", old, new)


def _past_trial(raw: Any) -> PastTrial:
    return PastTrial(**{**raw, "values": {int(stage): value for stage, value in raw["values"].items()}})


def _check_trials(connection: Connection, sweep: int, batch: Batch) -> None:
    known = tables.trials.c
    numbers = [trial.number for trial in batch.trials]
    query = select(known.number, known.state).where(known.sweep == sweep, known.number.in_(numbers))
    before = {row.number: row.state for row in connection.execute(query)}
    for trial in batch.trials:
        if trial.number in before:
            states.check(TRIAL_NEXT, f"trial {trial.number}", before[trial.number], trial.state)
