"""What a person wants of a sweep that may have a head or none: told to the head, or done at once."""

from __future__ import annotations

from service.ledger.records import SweepRecord
from service.ledger.states import IllegalTransition
from service.ledger.store.store import Store
from service.spec.errors import UserError, nearest
from service.spec.states import (
    PERSON_WISHES,
    STATE_WISHED,
    SWEEP_EXTENDABLE,
    SWEEP_RESUMABLE,
    SWEEP_WITH_HEAD,
    SWEEP_WITHOUT_HEAD,
    PersonWish,
    SweepState,
)

_TRIES = 3


class NothingToDo(UserError):
    """The sweep is in a state in which the wish means nothing."""


def express(store: Store, name: str, wish: PersonWish, person: str) -> SweepRecord:
    """Fulfil the wish of ``person``: pause, resume, stop or cancel. A sweep with a head ends or pauses within seconds.

    Raises:
        UserError: there is no such wish.
        UnknownSweep: there is no such sweep.
        NothingToDo: the sweep has ended, or runs and is to be resumed.
    """
    if wish not in PERSON_WISHES:
        raise UserError(
            f"a sweep cannot {wish!r}{nearest(wish, PERSON_WISHES)}", f"wishes are {', '.join(PERSON_WISHES)}"
        )
    for _ in range(_TRIES):
        try:
            _express(store, store.sweep(name), wish, person)
            break
        except IllegalTransition:  # its state changed since it was read
            continue
    return store.sweep(name)


def _possible(wish: PersonWish) -> tuple[SweepState, ...]:
    """The states without a head in which a wish means something."""
    return (*SWEEP_WITHOUT_HEAD, *SWEEP_RESUMABLE) if wish == "resume" else SWEEP_WITHOUT_HEAD


def _express(store: Store, known: SweepRecord, wish: PersonWish, person: str) -> None:
    if known.state in SWEEP_WITH_HEAD and wish != "resume":
        store.wish(known.name, wish)
    elif known.state in SWEEP_WITH_HEAD and known.wish == "pause":
        store.wish(known.name, "resume")
    elif known.state in SWEEP_WITH_HEAD or known.state not in _possible(wish):
        raise NothingToDo(f"{known.name} is {known.state}: there is nothing to {wish}", _cure(known, wish))
    elif wish == "resume":
        resume(store, known)
    elif known.state != STATE_WISHED[wish]:
        store.settle(known.name, STATE_WISHED[wish], f"{person} said so: {wish}")


def resume(store: Store, known: SweepRecord) -> None:
    """Queue a sweep again that is paused or failed; one that is queued stays so. Raises IllegalTransition."""
    if known.state == "FAILED":
        store.extend(known.name, known.spec)
    elif known.state != "QUEUED":
        store.settle(known.name, "QUEUED", "")


def _cure(known: SweepRecord, wish: PersonWish) -> str:
    if known.state in SWEEP_EXTENDABLE:
        larger = ", or submit it with a larger budget" if known.state == "STOPPED" else ""
        return f"give it more trials with: sieve extend {known.name} --trials N{larger}"
    if known.state == "CANCELLED" and wish == "resume":
        return f"give it a new name, or remove it first: sieve rm {known.name}"
    return f"look at it with: sieve status {known.name}"
