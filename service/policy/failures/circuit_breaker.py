"""Circuit breaker (Nygard, Release It!, 2007): failures of trials that are the fault of the whole sweep or of a node.

Only failures count that no trial has got past since: one that reports from beyond the position where others broke shows
that their error does not hit every trial.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

Position = tuple[int, int]
"""(stage, epochs done in it): how far a trial had come."""

PATTERNS = (
    (re.compile(r"0x[0-9a-fA-F]+|\b(?=\d*[a-fA-F])[0-9a-fA-F]{12,}\b"), "<id>"),
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b"), "<address>"),
    (re.compile(r"(?:[A-Za-z]:)?(?:[\\/][\w.+@~-]+){2,}[\\/]?"), "<path>"),
    (re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"), "<n>"),
    (re.compile(r"\s+"), " "),
)
"""Parts in which two messages of one error may differ, replaced in this order."""

LONGEST = 300
"""Characters of a message that are compared; the rest is cut off."""


def fault_of(kind: str, message: str) -> str:
    """The fingerprint of an error: one line of ``message`` without numbers, addresses, identifiers and paths."""
    for pattern, word in PATTERNS:
        message = pattern.sub(word, message)
    return f"{kind}: {message.strip()[:LONGEST]}"


@dataclass(frozen=True)
class ObservedFailure:
    """A failure of ``trial`` after ``position``, with the fingerprint ``fault`` (`fault_of`).

    ``node`` is the id of the node it was on, None if that is not known.
    """

    trial: int
    fault: str
    position: Position
    node: str | None


@dataclass(frozen=True)
class FailureEvidence:
    """The failures that count: ``failures`` that no trial has got past, ``on_node`` those that none has on their node.

    ``places`` are all pairs of a fault and a node where it was seen.
    """

    failures: tuple[ObservedFailure, ...] = ()
    on_node: tuple[ObservedFailure, ...] = ()
    places: frozenset[tuple[str, str | None]] = field(default_factory=frozenset)

    def failed(self, failure: ObservedFailure) -> FailureEvidence:
        """The same with one more failure."""
        place = (failure.fault, failure.node)
        return FailureEvidence((*self.failures, failure), (*self.on_node, failure), self.places | {place})

    def passed(self, position: Position, node: str | None) -> FailureEvidence:
        """The same after a trial has reported from ``position`` on ``node``: failures before that no longer count."""
        if not self.on_node:  # `failures` are among these, so that most reports end here.
            return self
        failures = tuple(one for one in self.failures if one.position >= position)
        on_node = tuple(one for one in self.on_node if one.node not in (node, None) or one.position >= position)
        return FailureEvidence(failures, on_node, self.places)


def same_error(evidence: FailureEvidence, fault: str, limit: int | None, avoided: Iterable[str]) -> int | None:
    """How many different trials broke by ``fault`` if they are ``limit`` (``failures.pause_after``) or more, else None.

    Failures on nodes that are ``avoided`` do not count.
    """
    blamed = frozenset(avoided)
    trials = {one.trial for one in evidence.failures if one.fault == fault and one.node not in blamed}
    return len(trials) if limit is not None and len(trials) >= limit else None


def bad_node(evidence: FailureEvidence, node: str | None, limit: int | None) -> int | None:
    """How many different trials in a row broke on ``node`` if it is to be avoided, else None.

    It is to be avoided if they are ``limit`` or more (``failures.avoid_after``), no trial got past that position on the
    node, and their errors were seen on no other node.
    """
    if limit is None or node is None:
        return None
    count = _blamed(evidence, node)
    return count if count >= limit else None


def suspicious(evidence: FailureEvidence, avoided: Iterable[str]) -> bool:
    """Whether a node that is not ``avoided`` may be bad, so that a retry should wait for other trials to show it."""
    nodes = {one.node for one in evidence.on_node if one.node is not None}
    return any(_blamed(evidence, node) > 0 for node in nodes - set(avoided))


def _blamed(evidence: FailureEvidence, node: str | None) -> int:
    """How many different trials in a row broke on ``node``; 0 if one of their errors was seen elsewhere."""
    here = [one for one in evidence.on_node if one.node == node]
    elsewhere = {fault for fault, other in evidence.places if other != node}
    return 0 if elsewhere & {one.fault for one in here} else len({one.trial for one in here})
