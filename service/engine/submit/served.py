"""Submissions that come over the network: the same rules as of `submission`, and none of the user's code runs here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.engine.control.wishes import resume
from service.engine.submit.local import check_spec
from service.engine.submit.resubmission import adopt, differences, is_void, refuse_another
from service.ledger.errors import OTHER_CODE, KeyInUse, NameInUse
from service.ledger.records import PastRecord, SweepRecord
from service.ledger.store.store import Store
from service.policy.cluster_share.placement import Places
from service.spec import Spec, load
from service.spec.errors import SpecError, Violation
from service.spec.models import AUTO
from service.spec.states import SWEEP_RESUMABLE, SWEEP_SETTLED, SWEEP_WITH_HEAD

if TYPE_CHECKING:
    from cluster.inventory import Node

Nodes = list["Node"]
Inventory = Callable[[], Nodes]
"""Says what nodes there are. Raises any error while the cluster does not answer."""

TRIES = 3
"""How often a submission is looked at again that another one came before."""


@dataclass(frozen=True)
class SubmittedSpec:
    """A sweep as it comes in: its raw spec, who owns it, its code by the hash of the package.

    ``commit`` and ``diff`` say where the code is from; ``key`` names the submission, so that it is the same again.
    """

    spec: Mapping[str, Any]
    owner: str
    package: str
    commit: str | None = None
    diff: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Received:
    """The sweep of a submission; ``new``: it was not there before. ``warnings`` are what is strange, but allowed."""

    sweep: SweepRecord
    new: bool
    warnings: tuple[str, ...] = ()


def receive(store: Store, submission: SubmittedSpec, nodes: Nodes | None, discard: Callable[[str], None]) -> Received:
    """Put a sweep into the queue, or find it there: the same submission again is the same sweep.

    ``nodes`` are those of the cluster, None where they are not known; ``discard`` deletes the files of a sweep that
    starts over. A sweep that is paused or failed goes on, with the code submitted now.

    Raises:
        SpecError: the spec breaks a rule, or the cluster could never hold one of its trials.
        NameInUse: the name belongs to another spec or another owner.
        KeyInUse: the key does.
        UserError: see `check_spec`.
    """
    spec = load(submission.spec)
    warnings = tuple(spec.warnings())
    for _ in range(TRIES):
        if (before := _before(store, submission, spec)) is not None:
            return Received(before, False, warnings)
        known, pasts = check_spec(spec, store)
        if nodes is not None:
            _check_room(spec, nodes)
        known = _still(store, submission, known, discard)
        if known is not None:
            return Received(_continued(store, submission, spec, known), False, warnings)
        with suppress(NameInUse, KeyInUse):  # another submission came first: look again
            return Received(_added(store, submission, spec, pasts), True, warnings)
    raise NameInUse(f"the name {spec.name} is in use", "choose another name, or try again")


def _still(
    store: Store, submission: SubmittedSpec, known: SweepRecord | None, discard: Callable[[str], None]
) -> SweepRecord | None:
    """The sweep that has the name, None where it is free, or was that of a sweep that starts over."""
    if known is not None and known.owner != submission.owner:
        raise NameInUse(f"the name {known.name} is in use by a sweep of {known.owner}", "choose another name")
    if known is None or not is_void(store, known):
        return known
    store.remove(known.name, lambda _: True)
    discard(known.name)
    return None


def _before(store: Store, submission: SubmittedSpec, spec: Spec) -> SweepRecord | None:
    """The sweep that this very submission made."""
    known = None if submission.key is None else store.keyed(submission.owner, submission.key)
    if known is None:
        return None
    if known.name != spec.name or differences(known, spec) or known.package != submission.package:
        raise KeyInUse(
            f"the key {submission.key!r} is that of another submission, which made {known.name}",
            "give every submission a key of its own",
            known.name,
        )
    return known


def _added(store: Store, submission: SubmittedSpec, spec: Spec, pasts: Sequence[PastRecord]) -> SweepRecord:
    sweep = SweepRecord(
        spec.name,
        spec.to_dict(),
        ".",
        submission.owner,
        "QUEUED",
        time.time(),
        commit=submission.commit,
        priority=spec.priority,
        weight=spec.weight,
        package=submission.package,
        diff=submission.diff,
        key=submission.key,
    )
    return store.add(sweep, pasts)


def _continued(store: Store, submission: SubmittedSpec, spec: Spec, known: SweepRecord) -> SweepRecord:
    """A sweep that is there goes on: with more trials, another budget, other code."""
    refuse_another(known, spec)
    if known.state in SWEEP_WITH_HEAD and submission.package != known.package:
        raise NameInUse(f"{known.name} is running with other code", OTHER_CODE.format(known.name))
    adopted = adopt(store, known, spec)
    before = load(known.spec)
    if (before.priority, before.weight) != (spec.priority, spec.weight) and known.state not in SWEEP_SETTLED:
        store.update(known.name, spec.priority, spec.weight)
    if adopted.state not in SWEEP_SETTLED and submission.package != known.package:
        store.recode(known.name, submission.package, submission.commit, submission.diff)
    if adopted.state in SWEEP_RESUMABLE:
        resume(store, adopted)
    return store.sweep(known.name)


def _check_room(spec: Spec, nodes: Nodes) -> None:
    gpu = 0.0 if spec.resources.gpu == AUTO else float(spec.resources.gpu) / spec.resources.processes
    asks = {"CPU": spec.resources.cpu} | ({"GPU": gpu} if gpu else {})
    living = [node.resources for node in nodes if node.alive]
    why = Places(living).refusal(asks, spec.resources.processes) if living else None
    if why is not None:
        raise SpecError([Violation("resources", None, f"a trial {why}; lower it, or add larger nodes")])
