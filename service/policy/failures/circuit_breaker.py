"""What failures say beyond the trial that broke: something is wrong with the sweep, or with a node.

The idea is that of a circuit breaker (Nygard, Release It!, 2007): what fails again and again is not asked again. Only
failures count that nobody has got past since: a trial that reports from beyond the point where others broke shows that
their error is not everyone's.
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
"""What differs between two messages of one error, in the order in which it is taken out."""

LONGEST = 300
"""Characters of a message that are compared."""


def fault_of(kind: str, message: str) -> str:
    """The error in ``message`` (one line) without numbers, addresses, identifiers and paths: equal for equal faults."""
    for pattern, word in PATTERNS:
        message = pattern.sub(word, message)
    return f"{kind}: {message.strip()[:LONGEST]}"


@dataclass(frozen=True)
class ObservedFailure:
    """A trial that broke by ``fault`` (see `fault_of`) after it had come to ``position``, on the node of id ``node``.

    ``node`` is None where nobody knows it.
    """

    trial: int
    fault: str
    position: Position
    node: str | None


@dataclass(frozen=True)
class FailureEvidence:
    """What a head has seen: ``failures`` that no trial has got past since, ``on_node`` those that none has there.

    ``places`` are all pairs of a fault and a node where it was seen.
    """

    failures: tuple[ObservedFailure, ...] = ()
    on_node: tuple[ObservedFailure, ...] = ()
    places: frozenset[tuple[str, str | None]] = field(default_factory=frozenset)

    def failed(self, failure: ObservedFailure) -> FailureEvidence:
        """One more failure."""
        place = (failure.fault, failure.node)
        return FailureEvidence((*self.failures, failure), (*self.on_node, failure), self.places | {place})

    def passed(self, position: Position, node: str | None) -> FailureEvidence:
        """A trial has reported from ``position``, on ``node``."""
        if not self.on_node:  # They are among these: the quick way out of most reports.
            return self
        failures = tuple(one for one in self.failures if one.position >= position)
        on_node = tuple(one for one in self.on_node if one.node not in (node, None) or one.position >= position)
        return FailureEvidence(failures, on_node, self.places)


def same_error(evidence: FailureEvidence, fault: str, limit: int | None, avoided: Iterable[str]) -> int | None:
    """How many different trials broke by ``fault`` if they are ``limit`` or more and none got past it, else None.

    What happens on nodes that are ``avoided`` is those nodes' fault.
    """
    blamed = frozenset(avoided)
    trials = {one.trial for one in evidence.failures if one.fault == fault and one.node not in blamed}
    return len(trials) if limit is not None and len(trials) >= limit else None


def bad_node(evidence: FailureEvidence, node: str | None, limit: int | None) -> int | None:
    """How many different trials in a row broke on ``node`` if it is to be avoided, else None.

    They are ``limit`` or more, none got past the point where they broke on that node, and their errors were seen on no
    other.
    """
    if limit is None or node is None:
        return None
    count = _blamed(evidence, node)
    return count if count >= limit else None


def suspicious(evidence: FailureEvidence, avoided: Iterable[str]) -> bool:
    """Whether the next trials may show that a node is bad: what broke there lets others try it first."""
    nodes = {one.node for one in evidence.on_node if one.node is not None}
    return any(_blamed(evidence, node) > 0 for node in nodes - set(avoided))


def _blamed(evidence: FailureEvidence, node: str | None) -> int:
    """How many different trials in a row broke on ``node``; 0 if one of their errors was seen elsewhere."""
    here = [one for one in evidence.on_node if one.node == node]
    elsewhere = {fault for fault, other in evidence.places if other != node}
    return 0 if elsewhere & {one.fault for one in here} else len({one.trial for one in here})
