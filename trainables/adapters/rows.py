"""A subset of the examples as a ``torch.utils.data.Dataset``, for the loaders of other libraries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from trainables.data import Arrays, Examples
from trainables.datasets.subset import Indices
from trainables.errors import TaskError


class Rows(Dataset[Any]):
    """The rows ``indices`` of arrays as a dataset: ``rows[i]`` is one example, ``rows[[i, j]]`` a batch, as a tuple.

    With ``columns``, one name for each array, it is a mapping of those names.
    """

    def __init__(self, arrays: Arrays, indices: Indices, columns: Sequence[str] = ()) -> None:
        if columns and len(columns) != len(arrays):
            raise TaskError(
                f"columns names {', '.join(columns)}, but the data has {len(arrays)} arrays",
                "set columns to one name of a model's argument for each array of Data",
            )
        self._arrays = tuple(torch.as_tensor(array) for array in arrays)
        self._indices = torch.from_numpy(indices)
        self._columns = tuple(columns)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int | list[int]) -> tuple[Tensor, ...] | dict[str, Tensor]:
        rows = self._indices[index]
        values = tuple(array[rows] for array in self._arrays)
        return dict(zip(self._columns, values, strict=True)) if self._columns else values


def part(examples: Examples, indices: Indices, columns: Sequence[str] = ()) -> Dataset[Any]:
    """The ``examples`` at ``indices``: `Rows` of arrays, a `Subset` of a dataset."""
    if isinstance(examples, tuple):
        return Rows(examples, indices, columns)
    return Subset(examples, indices.tolist())
