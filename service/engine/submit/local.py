"""Submission on this machine: checks a spec, and creates its sweep or continues it (idempotent)."""

from __future__ import annotations

import getpass
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from service.engine.control.sweep import check_real, remove
from service.engine.head.tune import loggers
from service.engine.state import warm_start
from service.engine.state.metric_name import check_metric
from service.engine.submit.resubmission import Found, GoOn, Refuse, StartOver, decide, find, recorded
from service.ledger.home import open_store
from service.ledger.records import PastRecord, SweepRecord
from service.ledger.store.store import Store
from service.spec import Source, Spec, load
from service.spec.stage_plan.steps import StageSteps


@dataclass(frozen=True)
class Examined:
    """A spec that could run: ``found`` is what the ledger has of its name, ``project`` the folder of its code.

    ``pasts`` are what a new sweep would learn from, ``steps`` the optimizer steps of its stages, where they are known.
    """

    spec: Spec
    found: Found
    project: str
    warnings: tuple[str, ...]
    pasts: tuple[PastRecord, ...] = ()
    steps: tuple[StageSteps, ...] = ()

    @property
    def known(self) -> SweepRecord | None:
        """The sweep of that name in the ledger."""
        return self.found.known


def examine(source: Source, home: Path, project: Path | None = None) -> Examined:
    """Check everything about a sweep that can be checked without training; changes nothing.

    Raises:
        UserError: a logger's package is not installed, the name is that of a simulated sweep, or there is nothing to
            learn from a sweep that the warm start of a new one names.
        SpecError: the spec breaks a rule, its task is not to be found or is none, or its stages do not fit the data.
    """
    from service.engine.preflight.look import check, fitted

    spec, store = load(source), open_store(home)
    found = find(store, spec.name)
    pasts = check_spec(spec, store, found)
    folder = _project(project, found.known)
    known = None if found.free else found.known
    spec = fitted(spec, folder, source) if known is None else recorded(spec, known)
    checked = check(spec, folder, source)
    return Examined(spec, found, folder, (*spec.warnings(), *checked.warnings), pasts, checked.steps)


def check_spec(spec: Spec, store: Store, found: Found) -> tuple[PastRecord, ...]:
    """Check what can be checked without the user's code; returns what a new sweep would learn from.

    Raises:
        UserError: a logger's package is not installed, the name is that of a simulated sweep, the metric's that of a
            column of results, or there is nothing to learn from a sweep that the warm start of a new one names.
    """
    check_metric(spec)
    if found.known is not None:
        check_real(found.known)
    loggers.check(spec.loggers)
    return tuple(warm_start.snapshot(spec, store)) if found.free else ()


def submit(source: Source, home: Path, project: Path | None = None) -> SweepRecord:
    """Put a sweep into the ledger of ``home``, or find it there: the same spec again is the same sweep.

    More trials or rounds than before extend it; fewer change nothing, as it may have been extended meanwhile. So does
    another budget for a sweep that was stopped. One that failed before its first report starts over.

    ``project`` is the folder that holds the task's code; default: the current one. Everything that can be checked
    without training is checked first, so that a refused sweep leaves nothing behind.

    Raises:
        SpecError: the spec breaks a rule.
        UserError: the task is not to be found or is none, or the name belongs to another spec.
    """
    examined = examine(source, home, project)
    spec, folder = examined.spec, examined.project
    store = open_store(home, create=True)
    match decide(spec, examined.found):
        case Refuse(error):
            raise error
        case GoOn(adopted):
            if adopted is not None:
                store.extend(spec.name, adopted)
            return store.sweep(spec.name)
        case StartOver():
            remove(spec.name, home)
    owner, commit = getpass.getuser(), _commit(folder)
    new = SweepRecord(spec.name, spec.to_dict(), folder, owner, "QUEUED", time.time(), commit=commit)
    return store.add(replace(new, priority=spec.priority, weight=spec.weight), examined.pasts)


def _project(given: Path | None, known: SweepRecord | None) -> str:
    """The folder of the task's code: as given, else where the sweep began, else here."""
    if given is None and known is not None and Path(known.project).is_dir():
        return known.project
    return str((given or Path.cwd()).resolve())


def _commit(project: str) -> str | None:
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None if found.returncode == 0 else None
