"""Objects that Tune is handed and must not save."""

from __future__ import annotations

from typing import Any


class NoSnapshot:
    """Mixin for Tune plug-ins that pickles and copies them as nothing.

    Tune pickles its plug-ins for `Tuner.restore`, which Sieve does without: the ledger is the truth.

    A saved copy is empty and works nowhere; the object itself is what Tune uses.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self
