"""`Ragged`: examples of different lengths, such as sequences of words, in one array (TensorFlow: ``RaggedTensor``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Ragged:
    """Arrays of different lengths, one after the other in ``flat``; number i begins at ``offsets[i]``.

    Shared by the workers of a node without a copy, as plain arrays are.

    >>> import numpy as np
    >>> from trainables.datasets.ragged import Ragged
    >>> texts = Ragged.of([[3, 1, 2], [5]])
    >>> len(texts), texts[1].tolist(), texts[np.array([1, 0])][1].tolist()
    (2, [5], [3, 1, 2])
    """

    def __init__(self, flat: Any, offsets: NDArray[np.int64]) -> None:
        self.flat = flat
        self.offsets = offsets

    @classmethod
    def of(cls, rows: Sequence[Any]) -> Ragged:
        """The ``rows``, each like an array of numbers, as one.

        Raises:
            ValueError: they differ in more than their length.
        """
        arrays = [row.detach().cpu().numpy() if isinstance(row, Tensor) else np.asarray(row) for row in rows]
        filled = [array for array in arrays if array.size]
        shapes = {array.shape[1:] if array.ndim else None for array in filled}
        if len(shapes) != 1 or None in shapes:
            raise ValueError("rows of different shapes, or single numbers")
        lengths = [len(array) if array.size else 0 for array in arrays]
        return cls(np.concatenate(filled), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: Any) -> Any:
        """An example, or for an array of numbers those, as `Ragged`."""
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"there is no example {index} of {len(self)}")
            at = index % len(self)
            return self.flat[int(self.offsets[at]) : int(self.offsets[at + 1])]
        chosen = np.arange(len(self))[np.asarray(index)]
        spans = [np.arange(self.offsets[one], self.offsets[one + 1]) for one in chosen]
        lengths = self.lengths[chosen]
        places = np.concatenate([np.zeros(0, dtype=np.int64), *spans])
        return Ragged(self.flat[places], np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each example."""
        return np.diff(self.offsets)

    def converted(self, convert: Callable[[Any], Any]) -> Ragged:
        """The same with ``flat`` as ``convert`` makes it."""
        return Ragged(convert(self.flat), self.offsets)
