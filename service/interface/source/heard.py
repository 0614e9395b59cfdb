"""What a person wants of a sweep of this machine, where it is known at once whether its head lives."""

from __future__ import annotations

from getpass import getuser

from service.engine.control.head_process import alive
from service.engine.control.wishes import NothingToDo, express
from service.ledger import Store
from service.spec.states import PERSON_WISHES, SWEEP_WITH_HEAD, PersonWish


def heard(store: Store, name: str, wish: PersonWish) -> None:
    """Makes the ``wish`` known to the head of the sweep ``name``, which acts on it within seconds, or settles it.

    A resumed sweep is ready to be run; nothing is started here.

    Raises:
        UnknownSweep: there is no such sweep.
        UserError: there is no such wish, or in its state the sweep cannot do that.
    """
    record = store.sweep(name)
    if wish not in PERSON_WISHES or record.state not in SWEEP_WITH_HEAD or alive(record):
        express(store, name, wish, getuser())
    elif wish != "resume":  # whoever runs it next takes it from its dead head
        raise NothingToDo(
            f"{name} is {record.state}, but its head is dead: there is nothing to {wish}",
            f"look at it with: sieve status {name}",
        )
