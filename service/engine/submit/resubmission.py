"""A spec whose name is in use: the same sweep goes on, a larger one extends it, another one is refused."""

from __future__ import annotations

from service.ledger.errors import NameInUse
from service.ledger.records import SweepRecord
from service.ledger.store.store import Store
from service.spec import Spec, load
from service.spec.states import SWEEP_SETTLED

GROWING = (("search", "trials"), ("rounds", "trials"), ("rounds", "count"))
"""Numbers that may grow: the sweep is extended. Smaller ones change nothing, as it may have been extended meanwhile."""

ADOPTED = ("data_dir", "resources", "budget", "retries", "failures", "loggers", "checkpoints", "priority", "weight")
"""Keys that may change when an unfinished sweep goes on: they say how it runs, not what it finds."""


def is_void(store: Store, known: SweepRecord) -> bool:
    """Whether the sweep failed before its first report: there is nothing to go on from, so it may start over."""
    return known.state == "FAILED" and not store.reports(known.name)


def differences(known: SweepRecord, spec: Spec) -> list[str]:
    """The keys by which ``spec`` is another sweep than ``known``."""
    old, new = load(known.spec).to_dict(), spec.to_dict()
    for section, key in GROWING:
        if None not in (old[section][key], new[section][key]):
            old[section][key] = new[section][key]
    return sorted(key for key in old.keys() | new.keys() if key not in ADOPTED and old.get(key) != new.get(key))


def refuse_another(known: SweepRecord, spec: Spec) -> None:
    """Raise NameInUse where ``spec`` is another sweep than ``known``."""
    different = differences(known, spec)
    if different:
        raise NameInUse(
            f"the name {known.name} is in use by a sweep with other {', '.join(different)}",
            f"choose another name, or `sieve extend {known.name} --trials N` for more trials, "
            f"or `sieve rm {known.name}` to start over",
        )


def adopt(store: Store, known: SweepRecord, spec: Spec) -> SweepRecord:
    """The sweep ``known`` as ``spec`` has it now: extended, with another budget, or as it was.

    Raises:
        NameInUse: the spec is another one.
    """
    refuse_another(known, spec)
    before, adopted = load(known.spec), spec.to_dict()
    grows = False
    for section, key in GROWING:
        old, new = before.to_dict()[section][key], adopted[section][key]
        if None not in (old, new):
            grows = grows or new > old
            adopted[section][key] = max(old, new)
    rebudgeted = known.state == "STOPPED" and spec.budget != before.budget
    if (grows or rebudgeted or known.state not in SWEEP_SETTLED) and adopted != known.spec:
        store.extend(known.name, adopted)
    return store.sweep(known.name)
