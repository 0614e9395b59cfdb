"""Resubmission of a spec whose name may be in use: a new sweep, a fresh start, the same sweep that goes on, a refusal.

The one decision of submissions on this machine and over the network, as a value; who submits carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from service.ledger.errors import OTHER_CODE, KeyInUse, NameInUse
from service.ledger.records import SweepRecord
from service.ledger.store.store import Store, UnknownSweep
from service.spec import Spec, load
from service.spec.errors import UserError
from service.states import SWEEP_OVER, SWEEP_RESUMABLE, SWEEP_SETTLED, SWEEP_WITH_HEAD, SweepState

GROWING = (("search", "trials"), ("rounds", "trials"), ("rounds", "count"))
"""Numbers that may grow: the sweep is extended. Smaller ones change nothing, as it may have been extended meanwhile."""

RETARGETED = ("target", "target_at")
"""Keys of the metric that may change: a sweep that has reached its target goes on to another."""

ADOPTED = (
    "data_dir",
    "resources",
    "budget",
    "retries",
    "hang_timeout",
    "failures",
    "loggers",
    "checkpoints",
    "priority",
    "weight",
)
"""Keys that may change when an unfinished sweep goes on: they say how it runs, not what it finds."""

NOTED = ("facts", "planned")
"""Keys that submission wrote itself."""


@dataclass(frozen=True)
class Sender:
    """Who submits over the network, with which code (the SHA-256 of its package); ``key`` names the submission."""

    owner: str
    package: str
    key: str | None = None


@dataclass(frozen=True)
class Found:
    """What a submission finds: the sweep that has its name, and the one that the same sender made with the same key.

    ``void``: that of its name failed before its first report, so that there is nothing to go on from.
    """

    known: SweepRecord | None
    void: bool = False
    keyed: SweepRecord | None = None

    @property
    def free(self) -> bool:
        """Whether the name is that of no sweep, or of one that may start over."""
        return self.known is None or self.void


@dataclass(frozen=True)
class New:
    """No sweep has the name."""


@dataclass(frozen=True)
class StartOver:
    """The sweep of that name is removed and made anew."""


@dataclass(frozen=True)
class Repeated:
    """This very submission has made ``sweep`` before."""

    sweep: SweepRecord


@dataclass(frozen=True)
class GoOn:
    """The sweep is there and gets what is new: its ``spec`` (None: as it was), its ``share`` of the cluster, its code.

    ``resumed``: it waits for somebody who says that it is to go on.
    """

    spec: dict[str, Any] | None
    share: bool
    recoded: bool
    resumed: bool


@dataclass(frozen=True)
class Refuse:
    """It cannot be."""

    error: UserError


Resubmission: TypeAlias = New | StartOver | Repeated | GoOn | Refuse


def find(store: Store, name: str, sender: Sender | None = None) -> Found:
    """What ``store`` has for a submission."""
    keyed = None if sender is None or sender.key is None else store.keyed(sender.owner, sender.key)
    try:
        known = store.sweep(name)
    except UnknownSweep:
        return Found(None, keyed=keyed)
    return Found(known, known.state == "FAILED" and not store.reports(name), keyed)


def decide(spec: Spec, found: Found, sender: Sender | None = None) -> Resubmission:
    """What becomes of ``spec``; without ``sender`` it comes from this machine, where all is one's own."""
    if found.keyed is not None and sender is not None:
        return _repeated(spec, found.keyed, sender)
    known = found.known
    if known is None:
        return New()
    if sender is not None and known.owner != sender.owner:
        return Refuse(NameInUse(f"the name {known.name} is in use by a sweep of {known.owner}", "choose another name"))
    if found.void:
        return StartOver()
    spec = recorded(spec, known)
    if different := differences(known, spec):
        return Refuse(
            NameInUse(
                f"the name {known.name} is in use by a sweep with other {', '.join(different)}",
                f"choose another name, or `sieve extend {known.name} --trials N` for more trials, "
                f"or `sieve rm {known.name}` to start over",
            )
        )
    if sender is not None and known.state in SWEEP_WITH_HEAD and sender.package != known.package:
        return Refuse(NameInUse(f"{known.name} is running with other code", OTHER_CODE.format(known.name)))
    return _goes_on(spec, known, sender)


def recorded(spec: Spec, known: SweepRecord) -> Spec:
    """``spec`` with what submission noted of ``known``: facts of its task, and the plan if Sieve made both alike."""
    old = load(known.spec)
    raw, before = spec.to_dict(), old.to_dict()
    raw["facts"] = before["facts"]
    if spec.planned is not None and old.planned is not None and spec.planned.epochs == old.planned.epochs:
        raw |= {"stages": before["stages"], "planned": before["planned"]}
    return load(raw)


def differences(known: SweepRecord, spec: Spec) -> list[str]:
    """The keys by which ``spec`` is another sweep than ``known``."""
    old, new = load(known.spec).to_dict(), spec.to_dict()
    for section, key in GROWING:
        if None not in (old[section][key], new[section][key]):
            old[section][key] = new[section][key]
    for key in RETARGETED:
        old["metric"][key] = new["metric"][key]
    compared = (old.keys() | new.keys()) - {*ADOPTED, *NOTED}
    return sorted(key for key in compared if old.get(key) != new.get(key))


def _repeated(spec: Spec, keyed: SweepRecord, sender: Sender) -> Resubmission:
    if keyed.name == spec.name and not differences(keyed, recorded(spec, keyed)) and keyed.package == sender.package:
        return Repeated(keyed)
    return Refuse(
        KeyInUse(
            f"the key {sender.key!r} is that of another submission, which made {keyed.name}",
            "give every submission a key of its own",
            keyed.name,
        )
    )


def _goes_on(spec: Spec, known: SweepRecord, sender: Sender | None) -> GoOn:
    adopted, before = _adopted(spec, known), load(known.spec)
    state: SweepState = "QUEUED" if adopted is not None and known.state in SWEEP_OVER else known.state
    shares = (before.priority, before.weight) != (spec.priority, spec.weight)
    return GoOn(
        spec=adopted,
        share=shares and known.state not in SWEEP_SETTLED,
        recoded=sender is not None and sender.package != known.package and state not in SWEEP_SETTLED,
        resumed=state in SWEEP_RESUMABLE,
    )


def _adopted(spec: Spec, known: SweepRecord) -> dict[str, Any] | None:
    """The spec of ``known`` as it is to be now: extended, with another budget or target; None where it stays so."""
    before, adopted = load(known.spec), spec.to_dict()
    grows = False
    for section, key in GROWING:
        old, new = before.to_dict()[section][key], adopted[section][key]
        if None not in (old, new):
            grows = grows or new > old
            adopted[section][key] = max(old, new)
    rebudgeted = known.state == "STOPPED" and spec.budget != before.budget
    retargeted = known.state == "SUCCEEDED" and spec.metric != before.metric
    changes = grows or rebudgeted or retargeted or known.state not in SWEEP_SETTLED
    return adopted if changes and adopted != known.spec else None
