"""Peak memory of a piece of code: of the GPU if there is one, else the growth of the process."""

from __future__ import annotations

import gc
import resource
import sys
from types import TracebackType

import psutil
import torch

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ``ru_maxrss``."""


class Peak:
    """Context manager; ``bytes`` is the peak within it, set at its end.

    On a GPU it is the most that torch had allocated, tensors from before included. On the CPU it is the growth of the
    process beyond its former peak: 0 for code that needs less than what ran before.
    """

    bytes = 0

    def __enter__(self) -> Peak:
        self._gpu = torch.cuda.is_available()
        if self._gpu:
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        else:
            self._before = psutil.Process().memory_info().rss
            self._most = _most()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._gpu:
            self.bytes = int(torch.cuda.max_memory_allocated())
        else:
            most = _most()
            self.bytes = max(0, most - self._before) if most > self._most else 0


def _most() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
