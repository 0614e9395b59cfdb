"""From a spec to a sweep in the ledger: everything checked first, the same spec is the same sweep."""

from __future__ import annotations

import getpass
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from service.engine import lessons, loggers
from service.engine.metric import check_metric
from service.engine.sweep import ENDED, check_real, remove
from service.ledger.home import open_store
from service.ledger.records import PastRecord, SweepRecord
from service.ledger.store import Store
from service.spec import Source, Spec, load
from service.spec.errors import UserError

GROWING = (("search", "trials"), ("rounds", "trials"), ("rounds", "count"))
"""Numbers that may grow: the sweep is extended. Smaller ones change nothing, as it may have been extended meanwhile."""

ADOPTED = ("data_dir", "resources", "budget", "retries", "failures", "loggers", "checkpoints", "priority", "weight")
"""Keys that may change when an unfinished sweep goes on: they say how it runs, not what it finds."""


@dataclass(frozen=True)
class Examined:
    """A spec that could run: ``known`` is the sweep of its name in the ledger, ``project`` the folder of its code.

    ``pasts`` are what a new sweep would learn from.
    """

    spec: Spec
    known: SweepRecord | None
    project: str
    warnings: tuple[str, ...]
    pasts: tuple[PastRecord, ...] = ()


def examine(source: Source, home: Path, project: Path | None = None) -> Examined:
    """Check everything about a sweep that can be checked without training; changes nothing.

    Raises:
        UserError: a logger's package is not installed, the name is that of a simulated sweep, or there is nothing to
            learn from a sweep that the warm start of a new one names.
        SpecError: the spec breaks a rule, its task is not to be found or is none, or its stages do not fit the data.
    """
    from service.engine.preflight import check

    spec = load(source)
    check_metric(spec)
    store = open_store(home)
    known = next((sweep for sweep in store.sweeps() if sweep.name == spec.name), None)
    if known is not None:
        check_real(known)
    folder = _project(project, known)
    loggers.check(spec.loggers)
    pasts = lessons.snapshot(spec, store) if known is None or _is_void(store, known) else []
    return Examined(spec, known, folder, (*spec.warnings(), *check(spec, folder, source).warnings), tuple(pasts))


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
    spec, known, folder = examined.spec, examined.known, examined.project
    store = open_store(home, create=True)
    if known is not None and _is_void(store, known):
        remove(spec.name, home)
        known = None
    if known is None:
        owner, commit = getpass.getuser(), _commit(folder)
        sweep = SweepRecord(spec.name, spec.to_dict(), folder, owner, "QUEUED", time.time(), commit=commit)
        return store.add(replace(sweep, priority=spec.priority, weight=spec.weight), examined.pasts)
    return _adopt(store, known, spec)


def _project(given: Path | None, known: SweepRecord | None) -> str:
    """The folder of the task's code: as given, else where the sweep began, else here."""
    if given is None and known is not None and Path(known.project).is_dir():
        return known.project
    return str((given or Path.cwd()).resolve())


def _differences(known: SweepRecord, spec: Spec) -> list[str]:
    old, new = load(known.spec).to_dict(), spec.to_dict()
    for section, key in GROWING:
        if None not in (old[section][key], new[section][key]):
            old[section][key] = new[section][key]
    return sorted(key for key in old.keys() | new.keys() if key not in ADOPTED and old.get(key) != new.get(key))


def _is_void(store: Store, known: SweepRecord) -> bool:
    """Whether the sweep failed before its first report: there is nothing to go on from, so it may start over."""
    return known.state == "FAILED" and not store.reports(known.name)


def _adopt(store: Store, known: SweepRecord, spec: Spec) -> SweepRecord:
    different = _differences(known, spec)
    if different:
        raise UserError(
            f"the name {known.name} is in use by a sweep with other {', '.join(different)}",
            f"choose another name, or `sieve extend {known.name} --trials N` for more trials, "
            f"or `sieve rm {known.name}` to start over",
        )
    before, adopted = load(known.spec), spec.to_dict()
    grows = False
    for section, key in GROWING:
        old, new = before.to_dict()[section][key], adopted[section][key]
        if None not in (old, new):
            grows = grows or new > old
            adopted[section][key] = max(old, new)
    rebudgeted = known.state == "STOPPED" and spec.budget != before.budget
    if (grows or rebudgeted or known.state not in ENDED) and adopted != known.spec:
        store.extend(known.name, adopted)
    return store.sweep(known.name)


def _commit(project: str) -> str | None:
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None if found.returncode == 0 else None
