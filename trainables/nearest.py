"""The word that was probably meant by a misspelt one. The spec's errors say it, too, so nothing else is imported."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST = 1000
"""Words that one is compared with at most: it takes long, and somebody may ask for many at once."""


def closest(word: str, allowed: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The allowed word most like ``word``, whatever its case; None when none is close, or there are more than `MOST`.

    ``cutoff`` is how alike they must be, from 0 to 1 (equal).
    """
    by_lower = {candidate.lower(): candidate for candidate in allowed}
    if len(by_lower) > MOST:
        return None
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[matches[0]] if matches else None


def nearest(word: str, allowed: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the allowed word `closest` to ``word``, ``""`` when none is close."""
    found = closest(word, allowed)
    return "" if found is None else f" (did you mean {found!r}?)"
