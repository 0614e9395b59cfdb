"""The most memory that something took: of the GPU where there is one, else by how much the process grew."""

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
    """A context manager; ``bytes`` is the peak within it, known at its end.

    Of a GPU that is what torch had allocated at most, with what was there before it began: of the data only what was
    put there, be it by who calls. Of the CPU it is how far the process grew past what it had ever held: 0 for
    something smaller than what ran before.
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
