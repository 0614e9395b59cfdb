"""Text and JSON that every database can keep: Unicode, without NUL, not nested without end."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from service.spec.errors import SpecError, Violation

DEEPEST = 40
MOST = 10_000
"""Values in a spec: looking at what depends on one another takes the square of their number."""

LONGEST_NUMBER = 10**300


def _plain(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character; leave it out")
    text.encode()  # a lone surrogate is a ValueError, too
    return text


PlainText = Annotated[str, AfterValidator(_plain)]


def checked(spec: dict[str, Any]) -> dict[str, Any]:
    """``spec``, if it can be kept.

    Raises:
        SpecError: it is nested more than 40 deep, holds more than 10 000 values, text that is no Unicode or has a NUL,
            or an endless number.
    """
    left: list[tuple[str, int, Any]] = [("", 0, spec)]
    seen = 0
    while left:
        where, depth, value = left.pop()
        seen += 1
        if seen > MOST:
            raise SpecError([Violation("", None, f"holds more than {MOST} values; list fewer")])
        if depth > DEEPEST:
            raise SpecError([Violation(where[:200], None, f"is nested more than {DEEPEST} deep; flatten it")])
        if isinstance(value, dict):
            left += [(where, depth + 1, key) for key in value]
            left += [(f"{where}/{key}".lstrip("/"), depth + 1, item) for key, item in value.items()]
        elif isinstance(value, list):
            left += [(f"{where}/{index}".lstrip("/"), depth + 1, item) for index, item in enumerate(value)]
        elif isinstance(value, str) and not _is_plain(value):
            raise SpecError([Violation(where, None, f"is {value[:80]!r}; write Unicode without NUL characters")])
        elif isinstance(value, int) and abs(value) > LONGEST_NUMBER:
            raise SpecError([Violation(where, None, "is a number of more than 300 digits; write a smaller one")])
    return spec


def _is_plain(text: str) -> bool:
    try:
        _plain(text)
    except ValueError:
        return False
    return True
