"""GPU memory of one process of a trial: peak, total, limit (``torch.cuda``). Torch is not imported by it."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from trainables.errors import worded

if TYPE_CHECKING:
    import torch

CONTEXT = 600 * 2**20
"""Bytes that a process takes on a GPU besides its tensors; the same number as in the packing of trials."""

NAMELESS = ("can't allocate memory", "CUDA error: out of memory")
"""Messages of torch's out-of-memory errors that have no class: on the host, and for a new CUDA context."""


def exhausted(error: BaseException) -> bool:
    """Whether ``error`` is an out-of-memory error, of a device or the host."""
    torch = sys.modules.get("torch")
    known = (MemoryError,) if torch is None else (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, known) or any(words in worded(error) for words in NAMELESS)


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
    """Return cached memory to the device, for other processes (``torch.cuda.empty_cache``)."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


_part = 1.0
"""Fraction of its GPU's memory that this process may take."""


def free(device: torch.device) -> float:
    """Bytes of a CUDA device that this process may still allocate."""
    import torch

    left, whole = torch.cuda.mem_get_info(device)
    return min(left, _part * whole - torch.cuda.memory_allocated(device))


def hide() -> None:
    """Let this process see no GPU, as it was granted none; to be called before it has used one.

    Ray sets ``CUDA_VISIBLE_DEVICES`` where GPUs are granted only; elsewhere a process sees all of its node, and would
    train on one that belongs to others.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def begin(gpu: float) -> None:
    """Prepare this process for a trial with ``gpu`` GPUs: free cached memory and reset the peak.

    With a fraction of a GPU its memory is limited to that fraction, so that a trial that needs more fails itself and
    not another one on the GPU.
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
