"""Column types that hold the same on every database."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Integer, String, Text, TypeDecorator

_NOT_FINITE = frozenset({"nan", "inf", "-inf"})

BIG = BigInteger().with_variant(Integer, "sqlite")
"""A key that many rows may have: 64 bits everywhere; SQLite counts by itself only what is called INTEGER."""


class Words(TypeDecorator[str]):
    """Text of any kind. What PostgreSQL cannot hold (NUL, halves of surrogate pairs) becomes U+FFFD everywhere."""

    impl: Any = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Name(Words):
    """The same of a bounded length, in characters."""

    impl: Any = String
    cache_ok = True


class OneOf(TypeDecorator[str]):
    """One of ``words``, or NULL. Anything else is a mistake of the code, in a comparison, too: it raises ValueError.

    What a newer Sieve wrote is read as it is.
    """

    impl: Any = String
    cache_ok = True

    def __init__(self, words: tuple[str, ...], length: int = 16) -> None:
        super().__init__(length)
        self.words = words

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and value not in self.words:
            raise ValueError(f"{value!r} is none of {', '.join(self.words)}")
        return value


class Numbers(TypeDecorator[dict[str, Any]]):
    """Numbers by name as strict JSON: what is not finite is stored as ``"nan"``, ``"inf"`` or ``"-inf"``.

    JSON knows no NaN, and one bad row would make SQL's own JSON functions refuse a whole query.
    """

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> dict[str, Any]:
        return {key: str(number) if _is_unwritable(number) else number for key, number in (value or {}).items()}

    def process_result_value(self, value: dict[str, Any] | None, dialect: Dialect) -> dict[str, Any]:
        return {key: float(number) if is_word(number) else number for key, number in (value or {}).items()}


def is_word(number: Any) -> bool:
    """Whether a stored value stands for a number that is not finite."""
    return isinstance(number, str) and number in _NOT_FINITE


def _is_unwritable(number: Any) -> bool:
    return isinstance(number, float) and not math.isfinite(number)
