"""Map-style datasets, whose examples have numbers: what is none is refused with what to give instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch.utils.data import DataLoader, IterableDataset

from trainables.datasets.array_likes import check_list, is_frame
from trainables.errors import TaskError

NUMBERLESS = "whose examples have no number by which a stage could choose its own"
INSTEAD = (
    "give a map-style dataset with __len__ and __getitem__, such as list(stream) where it fits in memory; a loop of "
    "your own, train(config, stage), may read the share stage.data of a stream itself"
)
"""Why there are no stages of an ``IterableDataset``, and what to do."""


def check_dataset(name: str, examples: Any) -> None:
    """See that ``examples``, which ``name`` calls, are read by their number.

    Raises:
        TaskError: they are not, or would be read by a label or a key; or they are arrays in a list.
    """
    if isinstance(examples, DataLoader):
        raise TaskError(
            f"{name} is a {type(examples).__name__}, which makes batches of its own",
            "give its dataset; its other arguments are batch_size of the config, and the task's collate and "
            "loader_options",
        )
    if isinstance(examples, IterableDataset) or (
        hasattr(examples, "__iter__") and not (hasattr(examples, "__getitem__") or isinstance(examples, Collection))
    ):
        raise TaskError(f"{name} is a {type(examples).__name__}, a stream, {NUMBERLESS}", INSTEAD)
    readable = hasattr(examples, "__len__") and hasattr(examples, "__getitem__")
    if not readable or isinstance(examples, (Mapping, str, bytes)) or is_frame(examples):
        raise TaskError(
            f"{name} is a {type(examples).__name__}",
            "give a tuple of arrays, or a dataset with __len__ and __getitem__",
        )
    check_list(name, examples)
