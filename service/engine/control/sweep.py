"""The verbs on a sweep in the ledger: run, extend, remove."""

from __future__ import annotations

import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.engine.control.head_liveness import alive, identity
from service.engine.control.interruption import INTERRUPTED, interruptible
from service.ledger.errors import Away
from service.ledger.folder import log_file
from service.ledger.home import checkpoint_folder, open_store
from service.ledger.ledger import Ledger
from service.ledger.records import SweepRecord
from service.ledger.store.store import Alive, AlreadyRunning, DiskFull, LostClaim, Store, Unreachable
from service.spec import Spec, load
from service.spec.errors import SieveError, UserError
from service.states import SWEEP_SETTLED, SWEEP_WITH_HEAD, SweepState

if TYPE_CHECKING:
    from service.engine.head.stopper import SweepStopper


@dataclass(frozen=True)
class Outcome:
    """How a head left its sweep: its state, why, and the exit code for scripts (0, 1, 2, or 130 after Ctrl-C)."""

    state: SweepState
    why: str
    exit_code: int


def run(name: str, home: Path) -> Outcome:
    """Run the sweep's head in this process until the sweep is over, paused or stopped; blocks.

    In the main thread Ctrl-C (SIGINT) and SIGTERM pause the sweep, keeping everything. A sweep
    that has ended already is left alone.

    Raises:
        AlreadyRunning: another head runs it.
        UserError: the task cannot be loaded, the cluster lacks the resources of the spec, or the sweep is simulated.
    """
    store = open_store(home, create=True)
    known = store.sweep(name)
    check_real(known)
    if known.state in SWEEP_SETTLED:
        return Outcome(known.state, known.why, 0)
    return lead(store, store.claim(name, identity(), alive), home)


def lead(ledger: Ledger, record: SweepRecord, home: Path, *, attended: bool = False) -> Outcome:
    """Run the head of the sweep that was claimed as ``record``; see `run`. ``home`` is the folder of its checkpoints.

    An ``attended`` head is started again by a daemon: where a signal or a failure of Ray ends it, the sweep keeps its
    state; likewise where the ledger was unreachable for too long, or another head has the claim.
    """
    name = record.name
    try:
        from service.engine.head.head import Head

        head = Head.of(ledger, record, home)
        with interruptible(lambda number: _pause(head.stopper, number)):
            ending = head.run()
    except (KeyboardInterrupt, SystemExit):
        if not attended:
            ledger.end(name, record.attempt, "PAUSED", "interrupted")
        raise
    except BaseException as error:
        if not attended or (isinstance(error, SieveError) and not isinstance(error, (Away, LostClaim, Unreachable))):
            ledger.end(name, record.attempt, "FAILED", f"{type(error).__name__}: {error}")
        raise
    exit_code = head.stopper.exit_code or int(ending.state == "FAILED")
    if attended and exit_code == INTERRUPTED:
        return Outcome(ending.state, ending.why, exit_code)
    with suppress(DiskFull):  # The outcome has the full disk as its reason, and the sweep can go on without this write.
        ledger.end(name, record.attempt, ending.state, ending.why)
    return Outcome(ending.state, ending.why, exit_code)


def _pause(stopper: SweepStopper, number: signal.Signals) -> None:
    """Let the head pause its sweep; at Ctrl-C it ends at once while Ray is still starting, as nothing runs yet."""
    stopper.pause("interrupted", INTERRUPTED)
    if number == signal.SIGINT and not stopper.begun:
        raise KeyboardInterrupt


def extend(name: str, trials: int, home: Path) -> SweepRecord:
    """Give a sweep ``trials`` more trials, in this round and in each that is still to come; run it again to go on.

    Raises:
        UserError: there is no such sweep, it is simulated, running or cancelled, or ``trials`` is not positive.
    """
    return extend_in(open_store(home), name, trials, alive)


def extend_in(store: Store, name: str, trials: int, alive: Alive) -> SweepRecord:
    """The same of a sweep in ``store``, whose head may be ``alive``."""
    known = store.sweep(name)
    check_real(known)
    if known.state in SWEEP_WITH_HEAD and alive(known):
        raise AlreadyRunning(f"{name} is running", f"pause it first: sieve pause {name}")
    if known.state == "CANCELLED":
        raise UserError(
            f"{name} is CANCELLED and cannot go on", f"give it a new name, or remove it first: sieve rm {name}"
        )
    if trials < 1:
        raise UserError(f"cannot extend by {trials} trials", "give a number of at least 1")
    store.extend(name, _longer(load(known.spec), trials))
    if known.state == "PAUSED":
        store.settle(name, "QUEUED", "")
    return store.sweep(name)


def _longer(spec: Spec, trials: int) -> dict[str, Any]:
    if spec.search.trials is None:
        raise UserError(f"{spec.name} already runs every point of its grid", "change the grid and give it a new name")
    more = spec.to_dict()
    more["search"]["trials"] = spec.search.trials + trials
    if spec.rounds.trials is not None:
        more["rounds"]["trials"] = spec.rounds.trials + trials
    if spec.budget.trials is not None:
        more["budget"]["trials"] = spec.budget.trials + trials
    return more


def check_real(known: SweepRecord) -> None:
    """Check that a sweep may train. Raises UserError for a simulated one, whose values were not measured."""
    if known.simulated:
        raise UserError(
            f"{known.name} is a simulated sweep, which trains nothing",
            f"choose another name, or remove it: sieve rm {known.name}",
        )


def remove(name: str, home: Path) -> None:
    """Delete a sweep with its trials, reports and checkpoints.

    Raises:
        UserError: there is no such sweep, or its head is running.
    """
    open_store(home).remove(name, alive)
    shutil.rmtree(checkpoint_folder(home, name), ignore_errors=True)
    log_file(home, name).unlink(missing_ok=True)
