"""The ``when:`` of parameters: which value of another parameter each one needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from service.spec.errors import Violation, nearest
from service.spec.flat import SEPARATOR, flatten
from service.spec.kinds import build
from service.spec.parameter import When
from service.spec.samplers import same

Samplers = Mapping[str, tuple[str, tuple[Any, ...]]]


def conditions(
    raw: Mapping[str, Any], samplers: Samplers, constants: Collection[str], refused: Collection[str]
) -> tuple[dict[str, When], list[Violation]]:
    """Conditions by the name they belong to, and every violation among them (paths relative to the parameters).

    Names in ``refused`` have a violation of their own already; a condition on one of them is not judged.
    """
    checked: dict[str, When] = {}
    faults: list[Violation] = []
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
                    _check_target(other, samplers, constants)
                    allowed[other] = _allowed(samplers[other], values)
            except ValueError as error:
                faults.append(Violation(SEPARATOR.join((name, "when", other)), None, str(error)))
        checked[name] = allowed
    circles = list(_cycles(checked))
    return checked, [*faults, *circles, *([] if faults or circles else _impossible(checked))]


def _check_target(other: str, samplers: Samplers, constants: Collection[str]) -> None:
    if other in constants:
        raise ValueError(f"{other!r} is a constant; a condition needs a searched parameter: drop the condition")
    if other not in samplers:
        names = ", ".join(samplers)
        raise ValueError(f"there is no parameter {other!r}{nearest(other, samplers)}; searched parameters: {names}")
    if not build(*samplers[other]).discrete:
        raise ValueError(f"{other!r} is a {samplers[other][0]}, which hits no value exactly; use a choice or integers")


def _allowed(sampler: tuple[str, tuple[Any, ...]], values: Any) -> tuple[Any, ...]:
    listed = list(values) if isinstance(values, (list, tuple)) else [values]
    if not listed:
        raise ValueError("lists no values, so it never holds; name at least one")
    return tuple(build(*sampler).cast(value) for value in listed)


def _cycles(checked: Mapping[str, When]) -> Iterator[Violation]:
    """One violation for each parameter that waits for itself."""
    for name in checked:
        trail = _trail(name, name, checked, ())
        if trail:
            message = f"the conditions go in a circle, {' → '.join(trail)}; drop one of them"
            yield Violation(f"{name}{SEPARATOR}when", None, message)


def _impossible(checked: Mapping[str, When]) -> Iterator[Violation]:
    """One violation for each condition that contradicts one of the parameters that it names.

    What merely hangs on such a parameter has no violation of its own.
    """
    clashes = {name: clash for name in checked if (clash := _clash(name, checked))}
    for name, clash in clashes.items():
        if not clashes.keys() & checked[name].keys():
            yield Violation(f"{name}{SEPARATOR}when", None, f"can never hold: {clash}; drop one of the conditions")


def _clash(name: str, checked: Mapping[str, When]) -> str:
    """Two conditions in words that must both hold where ``name`` applies and cannot; "" if there are none."""
    needs: dict[str, tuple[str, tuple[Any, ...]]] = {}
    for owner, other, values in _needs(name, checked):
        by, before = needs.get(other, (owner, values))
        both = tuple(value for value in before if any(same(value, one) for one in values))
        if not both:
            return f"{owner} needs {other} to be {_words(values)}, {by} {_words(before)}"
        needs[other] = owner, both
    return ""


def _needs(name: str, checked: Mapping[str, When]) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """(whose, parameter, values) of every condition that must hold where ``name`` applies, its own first."""
    for other, values in checked.get(name, {}).items():
        yield name, other, values
    for other in checked.get(name, {}):
        yield from _needs(other, checked)


def _words(values: tuple[Any, ...]) -> str:
    return " or ".join(repr(value) for value in values)


def _trail(start: str, at: str, checked: Mapping[str, When], seen: tuple[str, ...]) -> tuple[str, ...]:
    """The way from ``start`` back to itself, empty if there is none."""
    if at == start and seen:
        return (*seen, at)
    if at in seen:
        return ()
    for other in checked.get(at, {}):
        if found := _trail(start, other, checked, (*seen, at)):
            return found
    return ()
