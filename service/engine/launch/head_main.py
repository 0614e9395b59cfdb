"""The head's own process, however it was launched: its arguments are ADDRESS SWEEP ATTEMPT STORAGE BORN.

Its working directory is the folder of the user's code, on every node.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from service.engine.fleet.nodes import told
from service.engine.launch.launcher import IN_A_JOB, TICKET
from service.ledger.home import spool_folder
from service.ledger.over_http.client import HttpLedger, enroll
from service.ledger.over_http.spool import Spool
from service.ledger.store.store import LostClaim
from service.spec.errors import SieveError

HERE = "."
"""The project folder of an attended head: the working directory of each of its processes."""

PERIOD = 2.0
"""Seconds between beats while nothing else in the head beats: as it starts, and between rounds."""


def attend(address: str, sweep: str, attempt: int, storage: Path, born: str) -> int:
    """Enroll at the service at ``address`` and run the head to its end; returns the exit code.

    What earlier heads of this sweep (``born`` tells it from others of its name) could not hand in is handed in first.

    Raises:
        LostClaim: the sweep is another head's.
        SieveError: the sweep has failed, which the service knows then.
    """
    token = enroll(address, sweep, attempt, os.environ.pop(TICKET, ""))
    folder = spool_folder(storage, sweep)
    ledger = HttpLedger(address, sweep, attempt, token, Spool(folder / f"{born}-{attempt}"))
    with closing(ledger), _beating(ledger, sweep, attempt):
        for earlier in _earlier(folder, born, attempt):
            ledger.inherit(Spool(earlier))
        record = replace(ledger.sweep(sweep), project=HERE)
        from service.engine.control.sweep import lead

        with _cluster():
            return lead(ledger, record, storage, attended=True).exit_code


@contextmanager
def _cluster() -> Iterator[None]:
    """The cluster with the user's code on every node; a job has that from Ray."""
    from cluster.connect import connect

    with told(), nullcontext() if IN_A_JOB in os.environ else connect(project=Path.cwd()):
        yield


@contextmanager
def _beating(ledger: HttpLedger, sweep: str, attempt: int) -> Iterator[None]:
    """Keep the claim alive. Who has lost it before the head runs has nothing to do; later the head hears it itself."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(PERIOD):
            try:
                ledger.beat(sweep, attempt)
            except SieveError:
                return

    thread = threading.Thread(target=beat, name="sieve-attend", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _earlier(folder: Path, born: str, attempt: int) -> list[Path]:
    """The spools of earlier heads, oldest first: one that was launched may never have come."""
    found = ((int(path.name.partition("-")[2]), path) for path in folder.glob(f"{born}-*"))
    return [path for number, path in sorted(found) if number < attempt]


def main() -> int:
    """The process: what went wrong is the last line of its log."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    address, sweep, attempt, storage, born = sys.argv[1:]
    try:
        return attend(address, sweep, int(attempt), Path(storage), born)
    except LostClaim as error:
        print(f"another head has taken over: {error}", file=sys.stderr)
        return 0
    except SieveError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
