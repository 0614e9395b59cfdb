"""Submissions that come over the network: the same rules as on this machine, and none of the user's code runs here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.engine.control.wishes import NothingToDo, express
from service.engine.submit.local import check_spec
from service.engine.submit.resubmission import GoOn, Refuse, Repeated, Sender, StartOver, decide, find
from service.ledger.errors import KeyInUse, NameInUse
from service.ledger.records import PastRecord, SweepRecord
from service.ledger.store.store import Store
from service.policy.cluster_share.placement import Places
from service.policy.cluster_share.request import requests
from service.spec import Spec, load
from service.spec.errors import SpecError, Violation

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
    sender = Sender(submission.owner, submission.package, submission.key)
    warnings = tuple(spec.warnings())
    for _ in range(TRIES):
        found = find(store, spec.name, sender)
        decision = decide(spec, found, sender)
        if isinstance(decision, Repeated):
            return Received(decision.sweep, False, warnings)
        pasts = check_spec(spec, store, found)
        if nodes is not None:
            _check_room(spec, nodes)
        match decision:
            case Refuse(error):
                raise error
            case GoOn():
                return Received(_continued(store, submission, spec, decision), False, warnings)
            case StartOver():
                store.remove(spec.name, lambda _: True)
                discard(spec.name)
        with suppress(NameInUse, KeyInUse):  # another submission came first: look again
            return Received(_added(store, submission, spec, pasts), True, warnings)
    raise NameInUse(f"the name {spec.name} is in use", "choose another name, or try again")


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


def _continued(store: Store, submission: SubmittedSpec, spec: Spec, decision: GoOn) -> SweepRecord:
    """A sweep that is there goes on: with more trials, another budget, other code."""
    if decision.spec is not None:
        store.extend(spec.name, decision.spec)
    if decision.share:
        store.update(spec.name, spec.priority, spec.weight)
    if decision.recoded:
        store.recode(spec.name, submission.package, submission.commit, submission.diff)
    if decision.resumed:
        with suppress(NothingToDo):  # somebody else has made it go on
            express(store, spec.name, "resume", submission.owner)
    return store.sweep(spec.name)


def _check_room(spec: Spec, nodes: Nodes) -> None:
    """See that a trial finds a place at every stage; one of ``auto`` GPUs can do without any."""
    living = [node.resources for node in nodes if node.alive]
    for request in requests(spec, auto=0.0) if living else ():
        each = {name: amount for name, amount in request.each.items() if amount}
        why = Places(living).refusal(each, request.processes)
        if why is not None:
            raise SpecError([Violation("resources", None, f"a trial {why}; lower it, or add larger nodes")])
