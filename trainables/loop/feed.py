"""The feed (PyTorch: ``DataLoader`` plus transfer): batches of examples on the device that trains on them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from trainables.data import Batch, Data, Examples, batches
from trainables.datasets.subset import Indices
from trainables.loop import gpu_memory

TIMINGS = frozenset({"loader_wait"})
"""Reported metrics that are times, and so differ between two runs of the same seed."""

RESIDENT_FRACTION = 0.3
"""Fraction of the GPU memory free for this process that data may take to be kept on the GPU."""

MOST_WORKERS = 8
"""Processes (``num_workers``) of one loader at most; more wait for each other at its one queue."""

_resident: WeakKeyDictionary[Data, Data] = WeakKeyDictionary()
"""Copies on the device by the data they were made of, used by all trials of this process."""


class Feed:
    """Batches of ``data`` on ``device``.

    Arrays are kept on a CUDA device if they take at most `RESIDENT_FRACTION` of its free memory; else each batch is
    copied from pinned memory while the device computes. A dataset is read by ``workers`` processes (``num_workers``):
    by default one less than the trial's CPUs (torch's threads) where a GPU trains, and none on the CPU. Random draws of
    a dataset depend on the seed of the epoch and on the number of workers.
    """

    def __init__(
        self, data: Data, device: torch.device, channels_last: bool = False, workers: int | None = None
    ) -> None:
        self.waited = 0.0
        self.times = not data.sharable
        self._device = device
        self._channels_last = channels_last
        self.workers = loader_workers(device) if workers is None else workers
        self._data = resident(data, device) if device.type == "cuda" else data.unpacked()

    def training(self, order: Indices, size: int, seed: int) -> Iterator[Batch]:
        """Batches of ``size`` training examples in the ``order`` of the given indices."""
        return self._stream(self._data.train, order, size, seed)

    def validation(self, order: Indices, size: int) -> Iterator[Batch]:
        """Batches of ``size`` validation examples in the ``order`` of the given indices."""
        return self._stream(self._data.validation, order, size, 0)

    def _stream(self, examples: Examples, order: Indices, size: int, seed: int) -> Iterator[Batch]:
        stream = batches(examples, order, size, self._device, self.workers, seed)
        if not isinstance(examples, tuple):
            stream = self._timed(stream)
        return map(_channels_last, stream) if self._channels_last else stream

    def _timed(self, stream: Iterator[Batch]) -> Iterator[Batch]:
        while True:
            began = time.perf_counter()
            batch = next(stream, None)
            self.waited += time.perf_counter() - began
            if batch is None:
                return
            yield batch


def loader_workers(device: torch.device) -> int:
    """The default number of processes that read a dataset for training on ``device``; see `Feed`."""
    return 0 if device.type == "cpu" else min(torch.get_num_threads() - 1, MOST_WORKERS)


def resident(data: Data, device: torch.device) -> Data:
    """``data`` with the arrays on the CUDA ``device`` if they fit there, else on the CPU, as tensors."""
    if data in _resident:
        return _resident[data]
    unpacked = data.unpacked()
    arrays = [array for part in (unpacked.train, unpacked.validation) if isinstance(part, tuple) for array in part]
    size = sum(cast("Tensor", array).nbytes for array in arrays)
    if size > RESIDENT_FRACTION * gpu_memory.free(device):
        return unpacked
    _resident[data] = unpacked.moved(device)
    return _resident[data]


def _channels_last(batch: Batch) -> Batch:
    return tuple(part.contiguous(memory_format=torch.channels_last) if part.ndim == 4 else part for part in batch)
