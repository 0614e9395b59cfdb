"""Which state of a sweep or trial may follow which is enforced here; the states are those of `service.spec.states`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from service.spec.errors import SieveError

State = TypeVar("State", bound=str)


class IllegalTransition(SieveError):
    """A sweep or trial was to change to a state that cannot follow its own."""


def check(allowed: Mapping[State, frozenset[State]], what: str, old: State, new: State) -> None:
    """Raise IllegalTransition unless ``new`` may follow ``old`` by the table ``allowed``; ``what`` names the thing."""
    if new not in allowed:
        raise IllegalTransition(f"{what} cannot become {new!r}", f"states are {', '.join(allowed)}")
    if new != old and new not in allowed[old]:
        after = ", ".join(sorted(allowed[old])) or "nothing"
        raise IllegalTransition(f"{what} is {old} and cannot become {new}", f"after {old} comes {after}")
