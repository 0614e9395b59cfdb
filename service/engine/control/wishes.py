"""What a person wants of a sweep that may have a head or none: told to the head, or done at once."""

from __future__ import annotations

from service.ledger.records import SweepRecord
from service.ledger.states import IllegalTransition
from service.ledger.store.store import Alive, Store
from service.ledger.wishes import step
from service.spec.errors import UserError, nearest
from service.spec.states import PERSON_WISHES, STATE_WISHED, SWEEP_EXTENDABLE, SWEEP_WITH_HEAD, PersonWish

_TRIES = 3


class NothingToDo(UserError):
    """The sweep is in a state in which the wish means nothing."""


def express(store: Store, name: str, wish: PersonWish, person: str, alive: Alive = lambda _: True) -> SweepRecord:
    """Fulfil the wish of ``person``: pause, resume, stop or cancel. A sweep with a head ends or pauses within seconds.

    ``alive`` says whether a head lives, where that is known at once; nothing is started here.

    Raises:
        UserError: there is no such wish.
        UnknownSweep: there is no such sweep.
        NothingToDo: the sweep has ended, its head is dead, or it runs and is to be resumed.
    """
    if wish not in PERSON_WISHES:
        hint, wishes = nearest(wish, PERSON_WISHES), ", ".join(PERSON_WISHES)
        raise UserError(f"a sweep cannot {wish!r}{hint}", f"wishes are {wishes}")
    for _ in range(_TRIES):
        try:
            _express(store, store.sweep(name), wish, person, alive)
            break
        except IllegalTransition:  # its state changed since it was read
            continue
    return store.sweep(name)


def _express(store: Store, known: SweepRecord, wish: PersonWish, person: str, alive: Alive) -> None:
    lives = known.state not in SWEEP_WITH_HEAD or alive(known)
    match step(known.state, wish, noted=known.wish, alive=lives):
        case "tell":
            store.wish(known.name, wish)
        case "settle":
            store.settle(known.name, STATE_WISHED[wish], "" if wish == "resume" else f"{person} said so: {wish}")
        case "reopen":
            store.extend(known.name, known.spec)
        case "refuse":
            dead = "" if lives else ", but its head is dead"
            raise NothingToDo(f"{known.name} is {known.state}{dead}: there is nothing to {wish}", _cure(known, wish))


def _cure(known: SweepRecord, wish: PersonWish) -> str:
    if known.state in SWEEP_EXTENDABLE:
        larger = ", or submit it with a larger budget" if known.state == "STOPPED" else ""
        return f"give it more trials with: sieve extend {known.name} --trials N{larger}"
    if known.state == "CANCELLED" and wish == "resume":
        return f"give it a new name, or remove it first: sieve rm {known.name}"
    return f"look at it with: sieve status {known.name}"
