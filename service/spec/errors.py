"""Errors for users: each message has the value, what is allowed, and the cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trainables.nearest import closest as closest
from trainables.nearest import nearest as nearest


class SieveError(Exception):
    """An error that a user can act on; ``str()`` is the message, then the cure.

    ``exit_code`` is the exit code of a command that ends with this error.
    """

    exit_code = 1

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message, cure)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}; {self.cure}" if self.cure else self.message


class UserError(SieveError):
    """A mistake of the user's: bad input, an unknown name, storage that cannot be written."""

    exit_code = 2


@dataclass(frozen=True)
class Violation:
    """One broken rule of a spec.

    ``where`` is the path of the value, keys and list positions (from 0) joined by ``/``, e.g. ``parameters/lr``;
    ``line`` its line in the file (from 1), None for a spec that was not read from one.
    """

    where: str
    line: int | None
    message: str

    def under(self, folder: str) -> Violation:
        """The same violation with ``folder`` put before its path."""
        return Violation(f"{folder}/{self.where}".rstrip("/"), self.line, self.message)


class SpecError(UserError):
    """A spec breaks one or more rules; ``violations`` holds all of them, ``source`` the file's name or ``""``."""

    def __init__(self, violations: Iterable[Violation], source: str = "") -> None:
        self.violations = tuple(violations)
        self.source = source
        super().__init__("\n".join(self._line(violation) for violation in self.violations))
        self.args = (self.violations, source)  # The arguments with which pickle makes it again.

    def _line(self, violation: Violation) -> str:
        place = ":".join(str(part) for part in (self.source, violation.line) if part)
        return ": ".join(part for part in (place, violation.where, violation.message) if part)


def listing(words: Iterable[str], most: int = 20) -> str:
    """``words`` joined by commas; of more than ``most`` the first ones and the number of the others."""
    listed = list(words)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
