"""Conditional parameters: the ``when:`` of a parameter, with the values of others under which it is active."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

from service.spec.errors import Violation, listing, nearest
from service.spec.flat import SEPARATOR, flatten
from service.spec.space.kinds import build
from service.spec.space.parameter import When
from service.spec.space.samplers import Sampler, mark

Samplers = Mapping[str, tuple[str, tuple[Any, ...]]]

DEEPEST = 32
"""Longest chain of conditions that depend on one another."""


def conditions(
    raw: Mapping[str, Any], samplers: Samplers, constants: Collection[str], refused: Collection[str]
) -> tuple[dict[str, When], list[Violation]]:
    """The condition of each parameter or constant by name, and all violations (paths relative to the parameters).

    Names in ``refused`` have a violation of their own already; conditions on them are not checked.
    """
    checked: dict[str, When] = {}
    faults: list[Violation] = []
    targets: dict[str, Sampler] = {}
    for name, when in raw.items():
        allowed: dict[str, tuple[Any, ...]] = {}
        if not isinstance(when, Mapping) or not when:
            message = (
                f"when is {when!r}; write the values that another parameter needs, e.g. when: {{optimizer: [sgd]}}"
            )
            faults.append(Violation(f"{name}{SEPARATOR}when", None, message))
            continue
        for other, values in flatten(when).items():
            try:
                if other not in refused:
                    if other not in targets:
                        targets[other] = _target(other, samplers, constants)
                    allowed[other] = _allowed(targets[other], values)
            except ValueError as error:
                faults.append(Violation(SEPARATOR.join((name, "when", other)), None, str(error)))
        checked[name] = allowed
    faults += _cycles(checked)
    return checked, faults or list(_chains(checked)) or list(_impossible(checked))


def _target(other: str, samplers: Samplers, constants: Collection[str]) -> Sampler:
    if other in constants:
        raise ValueError(f"{other!r} is a constant; a condition needs a searched parameter: drop the condition")
    if other not in samplers:
        names = listing(samplers)
        raise ValueError(f"there is no parameter {other!r}{nearest(other, samplers)}; searched parameters: {names}")
    target = build(*samplers[other])
    if not target.discrete:
        raise ValueError(f"{other!r} is a {samplers[other][0]}, which hits no value exactly; use a choice or integers")
    return target


def _allowed(target: Sampler, values: Any) -> tuple[Any, ...]:
    listed = list(values) if isinstance(values, (list, tuple)) else [values]
    if not listed:
        raise ValueError("lists no values, so it never holds; name at least one")
    return tuple(target.cast(value) for value in listed)


def _cycles(checked: Mapping[str, When]) -> Iterator[Violation]:
    """One violation for each parameter whose conditions depend on itself."""
    for name in checked:
        trail = _trail(name, checked)
        if trail:
            message = f"the conditions go in a circle, {' → '.join(trail)}; drop one of them"
            yield Violation(f"{name}{SEPARATOR}when", None, message)


def _chains(checked: Mapping[str, When]) -> Iterator[Violation]:
    """One violation for each parameter at the end of too long a chain of conditions."""
    depths: dict[str, int] = {}
    for name in TopologicalSorter({name: list(when) for name, when in checked.items()}).static_order():
        depths[name] = max((depths[other] + 1 for other in checked.get(name, {})), default=0)
        if depths[name] == DEEPEST + 1:
            message = f"hangs on a chain of {DEEPEST + 1} conditions, of which {DEEPEST} may be; use fewer"
            yield Violation(f"{name}{SEPARATOR}when", None, message)


def _impossible(checked: Mapping[str, When]) -> Iterator[Violation]:
    """One violation for each condition that contradicts a condition of a parameter that it names.

    Parameters that depend on such a one have no violation of their own.
    """
    clashes = {name: clash for name in checked if (clash := _clash(name, checked))}
    for name, clash in clashes.items():
        if not clashes.keys() & checked[name].keys():
            yield Violation(f"{name}{SEPARATOR}when", None, f"can never hold: {clash}; drop one of the conditions")


def _clash(name: str, checked: Mapping[str, When]) -> str:
    """Two conditions in words that ``name`` needs and that exclude each other; ``""`` if there are none."""
    needs: dict[str, tuple[str, tuple[Any, ...]]] = {}
    for owner, other, values in _needs(name, checked):
        by, before = needs.get(other, (owner, values))
        common = set(map(mark, values))
        both = tuple(value for value in before if mark(value) in common)
        if not both:
            return f"{owner} needs {other} to be {_words(values)}, {by} {_words(before)}"
        needs[other] = owner, both
    return ""


def _needs(name: str, checked: Mapping[str, When]) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """(owner, parameter, values) of every condition that must hold for ``name`` to be active, its own first."""
    owners, met = [name], {name}
    for owner in owners:  # The list grows in the loop.
        for other, values in checked.get(owner, {}).items():
            yield owner, other, values
            if other not in met:
                met.add(other)
                owners.append(other)


def _words(values: tuple[Any, ...]) -> str:
    return " or ".join(repr(value) for value in values)


def _trail(start: str, checked: Mapping[str, When]) -> tuple[str, ...]:
    """The shortest cycle of conditions through ``start``, empty if there is none."""
    before: dict[str, str] = {}
    reached = [start]
    for at in reached:  # The list grows in the loop.
        for other in checked.get(at, {}):
            if other == start:
                trail = [start, at]
                while trail[-1] != start:
                    trail.append(before[trail[-1]])
                return tuple(reversed(trail))
            if other not in before:
                before[other] = at
                reached.append(other)
    return ()
