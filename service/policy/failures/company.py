"""How many trials train beside one that the node's memory was too small for."""

from __future__ import annotations

GIB = 2**30


def company(slots: int, kills: int) -> int:
    """How many trials of ``slots`` may train at once, this one included, after ``kills`` of it for memory.

    Half as many after each, at the least the trial alone.

    >>> [company(8, kills) for kills in (1, 2, 3, 4)]
    [4, 2, 1, 1]
    """
    return max(1, slots >> kills)


def killed(took: int | None, used: int | None, total: int | None) -> str:
    """The failure in words: bytes that the worker ``took``, that were ``used`` of the node's ``total``, where known."""
    node = f" ({used / GIB:.2f} of {total / GIB:.2f} GiB were in use)" if used is not None and total else ""
    part = "" if took is None else f"; it took {took / GIB:.2f} GiB"
    return f"its worker process was killed, as its node ran out of memory{node}{part}"


def with_fewer(limit: int) -> str:
    """How the next attempt goes, in words."""
    return "alone" if limit == 1 else f"with at most {limit} trials at once"


CURE = "write what a trial takes as resources.memory, so that fewer train at once, or use a smaller batch_size or model"
"""The cure in the message of a trial that failed so."""
