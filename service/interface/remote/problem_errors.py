"""Problem documents (RFC 9457) as the exceptions they were at the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.ledger.errors import AlreadyRunning, DiskFull, LostClaim, NameInUse, UnknownSweep
from service.ledger.states import IllegalTransition
from service.spec.errors import SieveError, SpecError, UserError, Violation


class SpentKey(UserError):
    """The idempotency key was used for another submission, whose sweep has other code now."""


KINDS: Mapping[str, type[SieveError]] = {
    kind.__name__.lower(): kind
    for kind in (AlreadyRunning, DiskFull, IllegalTransition, LostClaim, NameInUse, SieveError, UnknownSweep, UserError)
} | {"keyinuse": SpentKey}
"""Every exception that only has a message and a cure, by its name without case, as the type of a problem ends with."""


class Denied(UserError):
    """The service does not know the token, or its owner may not do that."""


class NoAnswer(SieveError):
    """The service cannot be reached, or does not answer in time."""


def exception(document: Mapping[str, Any], status: int) -> SieveError:
    """The exception that ``document`` tells of, with the same sentence; ``status`` is that of its response."""
    cure = str(document.get("cure") or "")
    detail = str(document.get("detail") or document.get("title") or f"the service refused with status {status}")
    message = detail.removesuffix(f"; {cure}") if cure else detail
    kind = _name(str(document.get("type") or ""))
    if kind == "specerror":
        found = [_violation(raw) for raw in document.get("violations") or ()]
        return SpecError(found or [Violation("", None, message)])
    if status in (401, 403):
        return Denied(message, cure)
    return KINDS.get(kind, UserError if status < 500 else SieveError)(message, cure)


def _name(kind: str) -> str:
    """The last word of a problem's type, however it is written: ``urn:sieve:unknown-sweep``, ``/UnknownSweep``."""
    last = kind.replace(":", "/").replace("#", "/").rpartition("/")[2]
    return last.replace("-", "").replace("_", "").lower()


def _violation(raw: Mapping[str, Any]) -> Violation:
    return Violation(str(raw.get("where") or ""), raw.get("line"), str(raw.get("message") or ""))
