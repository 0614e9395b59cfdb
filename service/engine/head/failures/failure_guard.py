"""The circuit breaker of a sweep: pauses it by what its failures say, and avoids nodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ray.exceptions import RayError

from cluster.inventory import Node, total
from service.engine.head.resources.gpu_packing import GpuPacking
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.ledger.records import DecisionRecord, TrialRecord
from service.policy.cluster_share.request import most_processes
from service.policy.failures.circuit_breaker import (
    FailureEvidence,
    ObservedFailure,
    Position,
    bad_node,
    fault_of,
    same_error,
    suspicious,
)
from service.spec import Spec
from service.spec.errors import UserError
from service.spec.states import DecisionKind, FailureDecision

UNCOUNTED = ("diverged", "disk", "metric")
"""Failures that say nothing here: of a config, and of those for which the sweep ends anyway."""


@dataclass(frozen=True)
class Avoided:
    """A node that gets no trials: its name, and the faults that only it had."""

    name: str
    faults: frozenset[str]


LOOK = 5.0
"""Seconds between two looks at the size of the cluster."""


class FailureGuard:
    """Pauses the sweep at an error of all trials, and keeps trials off nodes at errors of a node's own.

    It hears of every failure and every report. ``decisions`` are the `FailureDecision` on record, by which a new head
    avoids the nodes that the old one did (their numbers hold the ``fault``, and ``node``, ``name`` where they are about
    one); ``nodes`` says which the cluster has now.
    """

    def __init__(
        self,
        spec: Spec,
        trial_log: TrialLog,
        stopper: SweepStopper,
        gpu_packing: GpuPacking,
        decisions: Sequence[DecisionRecord],
        nodes: Callable[[], list[Node]],
    ) -> None:
        self._stopper = stopper
        self._limits = spec.failures
        self._single = most_processes(spec) == 1
        self._trial_log = trial_log
        self._gpu_packing = gpu_packing
        self._nodes = nodes
        self._due = 0.0
        self._evidence = FailureEvidence()
        self._avoided: dict[str, Avoided] = {}
        for decision in decisions:
            self._recall(decision.verdict, decision.numbers)
        if self._avoided and not self._place():
            self._avoided.clear()

    def look(self) -> None:
        """Count the room of the cluster anew, at most every `LOOK` seconds: nodes come and go."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + LOOK
            with suppress(RayError):
                self._place()

    def passed(self, node: str | None, position: Position) -> None:
        """Note that a trial has reported from ``position``, on the node of id ``node``."""
        self._evidence = self._evidence.passed(position, node)
        if self._gpu_packing.probing:
            self._probe()

    def failed(self, row: TrialRecord, kind: str, message: str, node: str | None) -> str | None:
        """Why a trial that broke is not at fault and waits for another attempt; None: it may be at fault."""
        if kind in UNCOUNTED:
            return None
        stage, done = self._trial_log.track(row.number).reported or (-1, 0)
        position = (row.stage, done if stage == row.stage else 0)
        failure = ObservedFailure(row.number, fault_of(kind, message), position, node)
        self._evidence = self._evidence.failed(failure)
        self._trust(row, failure)
        if node not in self._avoided:
            self._avoid(row, failure, message)
        self._probe()
        if node in self._avoided:
            return f"broke on node {self._avoided[node].name}, which is avoided now: {message}"
        return self._halt(row, failure, message)

    def _halt(self, row: TrialRecord, failure: ObservedFailure, message: str) -> str | None:
        count = same_error(self._evidence, failure.fault, self._limits.pause_after, self._avoided)
        if count is None or self._stopper.ending is not None:
            return None
        others = "" if count == 1 else f" as {count - 1} other{'s' if count > 2 else ''}"
        reason = f"broke by the same error{others}, and no trial got past it: {message}"
        self._record(row, "halt", reason, {"fault": failure.fault, "trials": count})
        why = f"{count} trials broke by the same error and none got past it: {message}"
        self._stopper.pause(f"{why}; mend the cause and run it again, or raise failures.pause_after")
        return why

    def _avoid(self, row: TrialRecord, failure: ObservedFailure, message: str) -> None:
        count = bad_node(self._evidence, failure.node, self._limits.avoid_after) if self._single else None
        if count is None or failure.node is None:
            return
        faults = {one.fault for one in self._evidence.on_node if one.node == failure.node}
        named = {node.id: node.name for node in self._nodes()}
        self._avoided[failure.node] = Avoided(named.get(failure.node, failure.node[:8]), frozenset(faults))
        if not self._place():
            del self._avoided[failure.node]
            return
        name = self._avoided[failure.node].name
        reason = (
            f"broke on node {name}, the last of {count} different trials in a row there, by errors that no other node "
            f"has: no trial is placed there any more; {message}"
        )
        numbers = {"node": failure.node, "name": name, "trials": count, "faults": sorted(faults)}
        self._record(row, "avoid", reason, numbers)

    def _trust(self, row: TrialRecord, failure: ObservedFailure) -> None:
        """Place trials again on nodes that are avoided for an error which another node has, too."""
        for node, avoided in list(self._avoided.items()):
            if failure.node in (None, node) or failure.fault not in avoided.faults:
                continue
            del self._avoided[node]
            self._place()
            reason = (
                f"broke by an error for which node {avoided.name} is avoided, on another: that one gets trials again"
            )
            self._record(row, "trust", reason, {"node": node, "name": avoided.name, "fault": failure.fault})

    def _probe(self) -> None:
        """Let new trials go first while a node may be bad: those that broke might use their attempts up there."""
        watched = self._single and self._limits.avoid_after is not None
        suspected = watched and suspicious(self._evidence, self._avoided)
        self._gpu_packing.probing = suspected and sum(node.alive for node in self._nodes()) > 1

    def _place(self) -> bool:
        """Have trials placed on none of the avoided nodes; False, and nothing changes, if no room would be left."""
        rest = [node for node in self._nodes() if node.id not in self._avoided]
        try:
            self._gpu_packing.avoid(sorted(self._avoided), total(rest))
        except UserError:
            return False
        return True

    def _recall(self, kind: DecisionKind, numbers: Any) -> None:
        if kind == "avoid":
            self._avoided[numbers["node"]] = Avoided(numbers["name"], frozenset(numbers["faults"]))
        elif kind == "trust":
            self._avoided.pop(numbers["node"], None)

    def _record(self, row: TrialRecord, kind: FailureDecision, reason: str, numbers: dict[str, Any]) -> None:
        decision = DecisionRecord(row.number, row.stage, kind, reason, numbers, self._stopper.seconds())
        self._trial_log.record(self._trial_log.trials[row.number], decisions=[decision])
