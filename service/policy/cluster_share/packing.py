"""How many trials share a GPU: as many as fit into its memory, with a margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

MARGIN = 1.25
"""Memory set aside per byte measured: the allocator's blocks are never full, and the largest config may need more."""

CONTEXT = 600 * 2**20
"""Bytes that every process takes before its first tensor: driver context, kernels, library workspaces."""

MOST = 8
"""Trials on one GPU at most: they take turns computing, so that more of them only wait longer."""

DIGITS = 4
"""Ray counts in ten-thousandths, so that shares are rounded down to these digits: 3 x 0.3333 fit, 3 x 0.3334 do not."""


@dataclass(frozen=True)
class GpuShare:
    """The part of a GPU that a trial gets, 1 over a whole number, or 0 for none, and why in words."""

    gpu: float
    reason: str


def share(peak_bytes: int | None, total_bytes: int | None, least: float = 0.0) -> GpuShare:
    """The share of a GPU with ``total_bytes`` for a trial that needs ``peak_bytes`` at most; None: not known.

    A share below or equal to ``least`` is known to be too small.
    """
    if peak_bytes is None or total_bytes is None:
        what = "peak memory of a trial" if peak_bytes is None else "memory of the GPUs"
        return GpuShare(1.0, f"the {what} is not known: each trial has a GPU of its own")
    need = peak_bytes * MARGIN + CONTEXT
    fits = min(MOST, max(1, int(total_bytes / need)))
    while fits > 1 and part(fits) <= least:
        fits -= 1
    words = f"a trial takes {gib(peak_bytes)} at its peak, {gib(need)} with margin and context"
    return GpuShare(part(fits), f"{words}: {trials(fits)} on a GPU of {gib(total_bytes)}")


def wider(gpu: float) -> GpuShare:
    """The share after a trial ran out of memory with ``gpu``: half as many trials on a GPU."""
    fits = max(1, int(1 / gpu + 1e-6) // 2)
    return GpuShare(part(fits), f"{words(gpu)} of a GPU was too little: {trials(fits)} on a GPU from now on")


def concurrent(gpus: float, gpu: float) -> int:
    """How many trials of share ``gpu``, above 0, run on ``gpus`` at once; none spans two GPUs in parts."""
    return int(gpus) * int(1 / gpu + 1e-6) if gpu < 1 else int(gpus // gpu)


def part(fits: int) -> float:
    """The share that lets ``fits`` trials on a GPU."""
    return math.floor(10**DIGITS / fits) / 10**DIGITS


def words(gpu: float) -> str:
    """A share in words, e.g. 1/3."""
    fits = round(1 / gpu, 2)
    return f"1/{int(fits)}" if fits == int(fits) > 1 else f"{gpu:g}"


def trials(count: int) -> str:
    """A number of trials in words."""
    return "1 trial" if count == 1 else f"{count} trials"


def gib(size: float) -> str:
    """Bytes in words."""
    return f"{size / 2**30:.2f} GiB"
