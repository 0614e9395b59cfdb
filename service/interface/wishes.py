"""What a person wants of a sweep: told to its head, or settled where no head has it."""

from __future__ import annotations

from getpass import getuser

from service.engine.identity import alive
from service.ledger import Store
from service.ledger.records import SweepRecord
from service.ledger.status import HEADED
from service.spec.errors import UserError, nearest

WISHES = ("pause", "resume", "stop", "cancel")
SETTLED = {"pause": "PAUSED", "resume": "QUEUED", "stop": "STOPPED", "cancel": "CANCELLED"}
"""The state of a sweep without a head once the wish is settled."""

WAITING = ("QUEUED", "PAUSED")
"""The states in which a wish can be settled without a head."""


def heard(store: Store, name: str, wish: str) -> None:
    """Makes the ``wish`` known to the head of the sweep ``name``, which acts on it within seconds, or settles it.

    A resumed sweep is ready to be run; nothing is started here.

    Raises:
        UnknownSweep: there is no such sweep.
        UserError: there is no such wish, or in its state the sweep cannot do that.
    """
    if wish not in WISHES:
        raise UserError(f"a sweep cannot {wish!r}{nearest(wish, WISHES)}", f"wishes are {', '.join(WISHES)}")
    record = store.sweep(name)
    headed = record.state in HEADED
    running = headed and alive(record)
    if running and wish != "resume":
        store.wish(name, wish)
    elif wish == "resume" and not running and (headed or record.state == "FAILED"):
        return  # whoever runs it next takes it as it is
    elif headed or record.state not in WAITING:
        state = f"{record.state}, but its head is dead" if headed and not running else record.state
        raise UserError(f"{name} is {state}: there is nothing to {wish}", _cure(record))
    elif record.state != SETTLED[wish]:
        store.settle(name, SETTLED[wish], "" if wish == "resume" else f"{getuser()} said so: {wish}")


def _cure(record: SweepRecord) -> str:
    if record.state in ("SUCCEEDED", "STOPPED"):
        return f"give it more trials with: sieve extend {record.name} --trials N"
    return f"look at it with: sieve status {record.name}"
