"""The errors of a ledger, the same for a local one and one over HTTP. Nothing here imports SQL."""

from __future__ import annotations

from service.spec.errors import SieveError, UserError


class NameInUse(UserError):
    """A sweep of that name exists."""


class UnknownSweep(UserError):
    """No sweep has that name."""


class AlreadyRunning(UserError):
    """Another head runs the sweep."""


OTHER_CODE = (
    "every file of the folder counts, the sweep's own, too: pause it first with sieve pause {0}, and submit it again"
)
"""The cure where a running sweep, whose name is to be put in, was to have other code."""


class LostClaim(SieveError):
    """Another head has taken the sweep over; this one may not write any more."""


class DiskFull(SieveError):
    """The ledger cannot grow; nothing that was written before is lost."""


class Unreachable(SieveError):
    """The database does not answer for now; nothing of what was being written is kept."""


class Away(SieveError):
    """The service cannot be reached, or answers with a temporary error."""


class KeyInUse(UserError):
    """A submission of that owner had this key before; ``sweep`` is the name of the sweep it made."""

    def __init__(self, message: str, cure: str, sweep: str) -> None:
        super().__init__(message, cure)
        self.sweep = sweep
        self.args = (message, cure, sweep)  # what pickle calls the class with
