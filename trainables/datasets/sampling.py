"""Sampling (torch: a ``Sampler``): the order of the examples of an epoch, natural or class-balanced. Pure numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainables.datasets.subset import Indices
from trainables.errors import TaskError


def check(sampling: str, labels: object) -> None:
    """Check that there are class ``labels`` for a ``sampling`` that needs them.

    Raises:
        TaskError: there are none.
    """
    if sampling != "natural" and labels is None:
        raise TaskError(
            f"sampling is {sampling!r}, but the data has no class labels",
            "give Data(labels=...) an integer for every training example, or use natural",
        )


def epoch_order(indices: Indices, labels: NDArray[np.int64] | None, sampling: str, rng: np.random.Generator) -> Indices:
    """The ``indices`` of a stage in the order of one epoch, shape as given, drawn from ``rng``.

    - ``natural``: each index once.
    - ``oversample``: each class makes up an equal part of the epoch; those of a rare class are repeated, of a frequent
      class each epoch has others.
    - ``balanced``: the same, and in any run of examples, so in each batch, class counts differ by at most two.

    ``labels`` are the classes of all training examples; ``natural`` does not need them.
    """
    check(sampling, labels)
    if sampling == "natural" or labels is None:
        return rng.permutation(indices)
    present = labels[indices]
    groups = [rng.permutation(indices[present == label]) for label in np.unique(present)]
    # One example of each class per round; each round shuffles the classes.
    rounds = -(-len(indices) // len(groups))
    filled = np.stack([_fill(group, rounds, rng) for group in groups], axis=1)
    order = rng.permuted(filled, axis=1).reshape(-1)[: len(indices)]
    return rng.permutation(order) if sampling == "oversample" else order


def _fill(group: Indices, size: int, rng: np.random.Generator) -> Indices:
    again = [rng.permutation(group) for _ in range((size - 1) // len(group))]
    return np.concatenate([group, *again])[:size]
