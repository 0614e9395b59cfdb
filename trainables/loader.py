"""`Loader` (PyTorch: ``DataLoader``): batches of examples on a device, in a given order, by a task's ``collate``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from trainables.data import Batch, Examples
from trainables.datasets.items import stacked
from trainables.datasets.nested import moved
from trainables.datasets.subset import Indices
from trainables.errors import TaskError
from trainables.exits import caught
from trainables.nearest import nearest

OPTIONS = (
    "num_workers",
    "prefetch_factor",
    "timeout",
    "worker_init_fn",
    "multiprocessing_context",
    "pin_memory",
    "in_order",
)
"""Arguments of torch's ``DataLoader`` that a task may give."""

OWNED = {
    "batch_size": "give it as the config key batch_size",
    "collate_fn": "define collate(self, items) in the task",
    "shuffle": "training is always shuffled, see the config key sampling",
    "sampler": "see the config key sampling",
    "batch_sampler": "see the config keys batch_size and sampling",
    "generator": "draw from the generators of Python, numpy and torch, which are seeded",
    "drop_last": "leave it out",
    "persistent_workers": "leave it out: processes start anew with each epoch, with its seed",
    "dataset": "give it to Data(...)",
}
"""Those that are Sieve's, with what to do instead."""


@dataclass(frozen=True)
class Collated:
    """A batch in the parts (micro-batches) that a ``collate`` made of it, with the number of examples of each."""

    parts: tuple[Any, ...]
    sizes: tuple[int, ...]


AnyBatch: TypeAlias = "Batch | Collated"


def size_of(batch: AnyBatch) -> int:
    """The number of examples of ``batch``."""
    return sum(batch.sizes) if isinstance(batch, Collated) else len(batch[-1])


def whole(batch: AnyBatch) -> Any:
    """What a task gets of a ``batch`` that was not cut into parts."""
    return batch.parts[0] if isinstance(batch, Collated) else batch


def uncut(_size: int) -> int:
    """One part, however many examples a batch has."""
    return 1


@dataclass(frozen=True)
class Loader:
    """How the examples of a task become batches.

    ``collate`` makes a batch of a list of items; where it ``stacks`` them, arrays are indexed in place. ``options`` are
    arguments of torch's ``DataLoader`` (see `OPTIONS`), which reads all others, with ``workers`` processes unless
    ``options`` has ``num_workers``.

    Raises:
        TaskError: ``options`` has an argument that is Sieve's, or none of ``DataLoader``.
    """

    collate: Callable[[list[Any]], Any] = stacked
    stacks: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    workers: int = 0

    def __post_init__(self) -> None:
        for name in self.options:
            if name in OWNED:
                raise TaskError(f"loader_options has {name}, which Sieve sets", OWNED[name])
            if name not in OPTIONS:
                raise TaskError(
                    f"loader_options has {name}{nearest(name, OPTIONS)}, which is no argument of torch's DataLoader",
                    f"allowed: {', '.join(OPTIONS)}",
                )

    def batches(
        self,
        examples: Examples,
        order: Indices,
        size: int,
        device: torch.device,
        seed: int = 0,
        cut: Callable[[int], int] = uncut,
    ) -> Iterator[AnyBatch]:
        """Batches of ``size`` of the ``examples`` on ``device``, in the ``order`` of the given indices.

        Stacked tensors are a tuple of them, whole; what else a collate makes is `Collated`, in as many parts as ``cut``
        says of a batch of so many examples. Random draws of a dataset depend on ``seed``.

        Raises:
            TaskError: an item of a dataset is not what `trainables.data.Data` says.
        """
        if isinstance(examples, tuple) and self.stacks:
            return _indexed(cast("tuple[Tensor, ...]", examples), order, size, device)
        return self._collated(examples, _Parts.of(order, size, cut), device, seed)

    def _collated(self, examples: Examples, plan: _Parts, device: torch.device, seed: int) -> Iterator[AnyBatch]:
        parts = iter(self._reader(examples, plan.rows, device, seed))
        for count in plan.counts:
            made = tuple(_given(next(parts), device) for _ in range(count))
            sizes = tuple(next(plan.sizes) for _ in range(count))
            yield made[0] if count == 1 and _is_stacked(made[0], sizes[0]) else Collated(made, sizes)

    def _reader(self, examples: Examples, rows: list[list[int]], device: torch.device, seed: int) -> DataLoader[Any]:
        in_memory = isinstance(examples, tuple)
        options = {"num_workers": 0 if in_memory else self.workers, "pin_memory": device.type == "cuda", **self.options}
        try:
            # Given a generator of its own, the loader leaves the global one, and so the dropout, as the fast path does.
            return DataLoader(
                Rows(examples) if isinstance(examples, tuple) else examples,
                batch_sampler=rows,  # Python's integers, as torch's own samplers give them.
                generator=torch.Generator().manual_seed(seed),
                collate_fn=_Collate(self.collate),
                **options,
            )
        except (ValueError, TypeError) as error:
            raise TaskError(f"torch's DataLoader refuses loader_options {dict(self.options)}: {error}") from error


class Rows(Dataset[Any]):
    """Arrays as a dataset of the tuples of their rows, as copies: the arrays are shared, and a collate may write."""

    def __init__(self, arrays: tuple[Any, ...]) -> None:
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays[0])

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return tuple(array[index].clone() for array in self._arrays)


@dataclass(frozen=True)
class _Parts:
    """The rows of all parts of batches, the number of parts of each batch, and the examples of each part."""

    rows: list[list[int]]
    counts: list[int]
    sizes: Iterator[int]

    @classmethod
    def of(cls, order: Indices, size: int, cut: Callable[[int], int]) -> _Parts:
        batches = [order[at : at + size] for at in range(0, len(order), size)]
        counts = [cut(len(batch)) for batch in batches]
        rows = [
            part.tolist() for batch, count in zip(batches, counts, strict=True) for part in np.array_split(batch, count)
        ]
        return cls(rows, counts, map(len, rows))


class _Collate:
    """A ``collate_fn``; a TaskError is returned, as a process of the loader would wrap its message in a traceback."""

    def __init__(self, collate: Callable[[list[Any]], Any]) -> None:
        self._collate = collate

    def __call__(self, items: list[Any]) -> Any:
        try:
            with caught("collate()"):
                return self._collate(items)
        except TaskError as error:
            return error


def _given(made: Any, device: torch.device) -> Any:
    if isinstance(made, TaskError):
        raise made
    if made is None:
        raise TaskError("collate() returned None", "return the batch, e.g. a tuple of tensors, the target last")
    return moved(made, device)


def _is_stacked(made: Any, size: int) -> bool:
    return (
        type(made) is tuple
        and len(made) > 0
        and all(isinstance(part, Tensor) and part.ndim > 0 and len(part) == size for part in made)
    )


def _indexed(arrays: Sequence[Tensor], order: Indices, size: int, device: torch.device) -> Iterator[Batch]:
    index = torch.from_numpy(order).to(arrays[0].device)
    there = arrays[0].device.type == device.type
    for rows in index.split(size):  # type: ignore[no-untyped-call]
        batch = tuple([array.index_select(0, rows) for array in arrays])
        yield batch if there else _pinned(batch, device)


def _pinned(batch: Batch, device: torch.device) -> Batch:
    # From pinned memory the copy runs beside what the device computes.
    pinned = device.type == "cuda"
    return tuple((part.pin_memory() if pinned else part).to(device, non_blocking=pinned) for part in batch)
