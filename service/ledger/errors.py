"""What a ledger refuses, wherever it is. No SQL: those who ask over the network know the same errors."""

from __future__ import annotations

from service.spec.errors import SieveError, UserError


class NameInUse(UserError):
    """A sweep of that name exists."""


class UnknownSweep(UserError):
    """No sweep has that name."""


class AlreadyRunning(UserError):
    """Another head runs the sweep."""


class LostClaim(SieveError):
    """Another head has taken the sweep over; this one may not write any more."""


class DiskFull(SieveError):
    """The ledger cannot grow; nothing that was written before is lost."""
