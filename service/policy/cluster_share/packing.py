"""Packing of trials on GPUs: Ray's fractional ``num_gpus`` by the peak memory of a trial, with a margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

MARGIN = 1.25
"""Memory set aside per byte measured: the allocator's blocks are never full, and the largest config may need more."""

CONTEXT = 600 * 2**20
"""Bytes that every process takes before its first tensor: driver context, kernels, library workspaces."""

MOST = 8
"""Trials on one GPU at most: kernels of different processes take turns, so that more trials only wait longer."""

DIGITS = 4
"""Decimal digits of a fraction, rounded down: Ray counts in ten-thousandths; 3 x 0.3333 fit, 3 x 0.3334 do not."""


@dataclass(frozen=True)
class GpuShare:
    """The fraction of a GPU that a trial reserves: 1 over a whole number, or 0 for none; ``reason`` in words."""

    gpu: float
    reason: str


def share(peak_bytes: int | None, total_bytes: int | None, least: float = 0.0) -> GpuShare:
    """The fraction of a GPU with ``total_bytes`` for a trial whose peak memory is ``peak_bytes``; None: not known.

    Fractions up to ``least`` have already proved too small. Where a size is not known the answer is a whole GPU.
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
    """The fraction to reserve after a trial ran out of memory with ``gpu``: half as many trials on a GPU."""
    fits = max(1, int(1 / gpu + 1e-6) // 2)
    return GpuShare(part(fits), f"{words(gpu)} of a GPU was too little: {trials(fits)} on a GPU from now on")


def concurrent(gpus: float, gpu: float) -> int:
    """How many trials of ``gpu`` GPUs each (above 0) run on ``gpus`` GPUs at once; a fraction lies on one GPU."""
    return int(gpus) * int(1 / gpu + 1e-6) if gpu < 1 else int(gpus // gpu)


def part(fits: int) -> float:
    """The fraction with which ``fits`` trials run on one GPU."""
    return math.floor(10**DIGITS / fits) / 10**DIGITS


def words(gpu: float) -> str:
    """A fraction in words, e.g. ``1/3``."""
    fits = round(1 / gpu, 2)
    return f"1/{int(fits)}" if fits == int(fits) > 1 else f"{gpu:g}"


def trials(count: int) -> str:
    """A number of trials in words, e.g. ``2 trials``."""
    return "1 trial" if count == 1 else f"{count} trials"


def gib(size: float) -> str:
    """Bytes in words, e.g. ``1.50 GiB``."""
    return f"{size / 2**30:.2f} GiB"
