"""The memory of a GPU, as one process of a trial sees it. Torch is only asked where it is loaded already."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CONTEXT = 600 * 2**20
"""Bytes a process takes on a GPU beside its tensors; the packing of trials counts with as many."""

NAMELESS = ("can't allocate memory", "CUDA error: out of memory")
"""What torch says when its allocator on the host, or a new CUDA context, finds no room: it has no class for that."""


def exhausted(error: BaseException) -> bool:
    """Whether ``error`` says that there is no more memory, on a device or the host."""
    torch = sys.modules.get("torch")
    known = (MemoryError,) if torch is None else (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, known) or any(words in str(error) for words in NAMELESS)


def seen() -> dict[str, int] | None:
    """Bytes of this process's GPU: the ``peak`` of its tensors since `begin`, the ``total``; None without a GPU."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return {"peak": int(torch.cuda.max_memory_allocated()), "total": int(torch.cuda.mem_get_info()[1])}


def total() -> int | None:
    """Bytes of memory of this process's GPU; None without one."""
    import torch

    return int(torch.cuda.mem_get_info()[1]) if torch.cuda.is_available() else None


def release() -> None:
    """Give the memory that no tensor uses any more back to the device, for its other processes."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


_part = 1.0
"""How much of its GPU this process may take."""


def free(device: torch.device) -> float:
    """Bytes of a CUDA device that this process may still take."""
    import torch

    left, whole = torch.cuda.mem_get_info(device)
    return min(left, _part * whole - torch.cuda.memory_allocated(device))


def begin(gpu: float) -> None:
    """A trial with ``gpu`` GPUs begins: free what the one before it left, and count the peak anew.

    One that shares a GPU gets its part of the memory alone: if it needs more it fails itself, not a neighbour.
    """
    global _part
    import torch

    if not torch.cuda.is_available():
        return
    release()
    torch.cuda.reset_peak_memory_stats()
    if gpu > 0:
        own = gpu if gpu >= 1 else max(gpu / 2, gpu - CONTEXT / torch.cuda.mem_get_info()[1])
        _part = min(1.0, own)
        torch.cuda.set_per_process_memory_fraction(_part)
