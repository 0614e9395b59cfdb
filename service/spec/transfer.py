"""Rules of ``transfer``: which parameters stages may train with at values of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.spec.errors import Violation, nearest
from service.spec.space.parameter import Parameter
from service.spec.space.space import Space
from trainables.transfer import KEYS


def check_transfer(transfer: Any, space: Space) -> list[Violation]:
    """Violations: only numbers that the loop may change while weights go on, and that the space has."""
    faults: list[Violation] = []
    parameters = {p.name: p for p in space.parameters}
    for name in transfer if isinstance(transfer, Mapping) else ():
        where, allowed = f"transfer/{name}", ", ".join(KEYS)
        if name not in KEYS:
            message = f"cannot change while the weights go on{nearest(str(name), KEYS)}; allowed: {allowed}"
        elif name not in parameters and name not in space.constants:
            message = f"is no parameter of this sweep; add it to parameters, be it as a constant: {name}: …"
        elif not all(map(_is_number, _some_values(name, parameters, space))):
            message = "is no number in every config, so that nothing can be multiplied"
        else:
            continue
        faults.append(Violation(where, None, message))
    return faults


def _some_values(name: str, parameters: Mapping[str, Parameter], space: Space) -> list[Any]:
    if name not in parameters:
        return [space.constants[name]]
    sampler = parameters[name].sampler
    return list(sampler.values()) if parameters[name].kind in ("choice", "grid_search") else [sampler.from_unit(0.5)]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
