"""The feed (PyTorch: ``DataLoader`` plus transfer): batches of examples on the device that trains on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from trainables.data import Data, Examples
from trainables.datasets.nested import mapped
from trainables.datasets.ragged import Ragged
from trainables.datasets.subset import Indices
from trainables.loader import AnyBatch, Collated, Loader, uncut
from trainables.loop import gpu_memory
from trainables.task import Task

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
    copied from pinned memory while the device computes. A dataset is read by the ``loader``'s processes
    (``num_workers``): by default one less than the trial's CPUs (torch's threads) where a GPU trains, and none on the
    CPU. Random draws of a dataset depend on the seed of the epoch and on the number of workers. ``cut`` is the number
    of micro-batches of a training batch of so many examples, for a collate that makes each by itself.
    """

    def __init__(
        self,
        data: Data,
        device: torch.device,
        channels_last: bool = False,
        loader: Loader | None = None,
        cut: Callable[[int], int] = uncut,
    ) -> None:
        self.waited = 0.0
        self.times = not data.sharable
        self._device = device
        self._channels_last = channels_last
        self.loader = Loader(workers=loader_workers(device)) if loader is None else loader
        self._cut = cut
        on_device = device.type == "cuda" and self.loader.stacks
        self._data = resident(data, device) if on_device else data.unpacked()

    def training(self, order: Indices, size: int, seed: int) -> Iterator[AnyBatch]:
        """Batches of ``size`` training examples in the ``order`` of the given indices."""
        return self._stream(
            self._data.train, self.loader.batches(self._data.train, order, size, self._device, seed, self._cut)
        )

    def validation(self, order: Indices, size: int) -> Iterator[AnyBatch]:
        """Batches of ``size`` validation examples in the ``order`` of the given indices."""
        examples = self._data.validation
        return self._stream(examples, self.loader.batches(examples, order, size, self._device))

    def _stream(self, examples: Examples, stream: Iterator[AnyBatch]) -> Iterator[AnyBatch]:
        if not isinstance(examples, tuple):
            stream = self._timed(stream)
        return map(_channels_last, stream) if self._channels_last else stream

    def _timed(self, stream: Iterator[AnyBatch]) -> Iterator[AnyBatch]:
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


def loader_of(task: Task, workers: int = 0) -> Loader:
    """How the examples of ``task`` become batches, where it leaves the number of ``workers`` open.

    Raises:
        TaskError: ``task.loader_options`` has an argument that is Sieve's, or none of torch's ``DataLoader``.
    """
    return Loader(task.collate, task.stacks, task.loader_options, workers)


def resident(data: Data, device: torch.device) -> Data:
    """``data`` with the arrays on the CUDA ``device`` if they fit there, else on the CPU, as tensors."""
    if data in _resident:
        return _resident[data]
    unpacked = data.unpacked()
    arrays = [array for part in (unpacked.train, unpacked.validation) if isinstance(part, tuple) for array in part]
    size = sum(cast("Tensor", array.flat if isinstance(array, Ragged) else array).nbytes for array in arrays)
    if size > RESIDENT_FRACTION * gpu_memory.free(device):
        return unpacked
    _resident[data] = unpacked.moved(device)
    return _resident[data]


def _channels_last(batch: AnyBatch) -> AnyBatch:
    if isinstance(batch, Collated):
        return Collated(mapped(batch.parts, _last), batch.sizes)
    return tuple(map(_last, batch))


def _last(part: Tensor) -> Tensor:
    return part.contiguous(memory_format=torch.channels_last) if part.ndim == 4 else part
