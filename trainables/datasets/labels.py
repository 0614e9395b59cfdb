"""Class labels: those that targets give, and checks of those that are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from trainables.datasets.ragged import Ragged
from trainables.errors import TaskError


def integer_labels(examples: Any) -> NDArray[Any] | None:
    """The last array of ``examples`` as class labels, shape (examples,); None unless it is one of integers.

    Booleans are the classes 0 and 1, and an array of one column is a vector.
    """
    if not isinstance(examples, tuple) or not examples or isinstance(examples[-1], Ragged):
        return None
    try:
        last = _array(examples[-1])
    except ValueError:  # A list of texts or the like, which makes no array.
        return None
    return _vector(last) if _vector(last).ndim == 1 and last.dtype.kind in "iub" else None


def _vector(labels: NDArray[Any]) -> NDArray[Any]:
    column = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    return column.astype(np.int64) if column.dtype.kind == "b" else column


def checked_labels(given: Any, size: int, name: str, split: str) -> NDArray[Any]:
    """``given`` as a vector of integers, one for each of the ``size`` examples of ``split``; booleans are 0 and 1.

    Raises:
        TaskError: they are none; ``name`` is what they are called.
    """
    try:
        classes = _vector(np.asarray(given))
    except ValueError:
        raise TaskError(f"Data.{name} makes no array", f"give one integer for each of the {size} examples") from None
    if classes.ndim != 1 or classes.dtype.kind not in "iu" or len(classes) != size:
        raise TaskError(
            f"Data.{name} has shape {classes.shape} and type {classes.dtype}",
            f"give one integer for each of the {size} {split} examples, or None where there are no classes",
        )
    return classes


def _array(value: Any) -> NDArray[Any]:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
