"""What ``sieve init`` found of the user's data, and the classes in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.spec.errors import UserError, listing

VALIDATION_SHARE = 5
"""One row in so many validates; each class needs one row there."""


@dataclass(frozen=True)
class GivenData:
    """Data for a task: their ``folder``, the ``file`` in it ("" for images), and what is to be predicted.

    ``numbers`` says that the target is a number, not a class; ``words`` say what was found. ``reader`` is the function
    of pandas for a table, and ``options`` its arguments after the path.
    """

    folder: Path
    words: str
    file: str = ""
    target: str = ""
    numbers: bool = False
    reader: str = ""
    options: str = ""


def counted_classes(counts: Mapping[Any, int], what: str, rows: str) -> str:
    """What ``counts``, the number of rows of each class, come to.

    Raises:
        UserError: they cannot be split into training and validation rows of every class.
    """
    if len(counts) < 2:
        raise UserError(f"there are {len(counts)} {what}: {listing(map(str, counts))}", "give two classes at least")
    if rare := [str(name) for name, count in counts.items() if count < 2]:
        raise UserError(
            f"of these {what} there is one of the {rows} only: {listing(rare)}",
            f"a validation split needs two of each: take them out, also a header among the {rows}, or give more",
        )
    total = sum(counts.values())
    if total < VALIDATION_SHARE * len(counts):
        raise UserError(
            f"{total} {rows} are too few for {len(counts)} {what}",
            f"a fifth validates, and each class needs one there: give at least {VALIDATION_SHARE * len(counts)}",
        )
    return f"{total} {rows} of {len(counts)} {what}: {listing(map(str, counts), 10)}"
