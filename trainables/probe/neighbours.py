"""Whether labels go with inputs, without any model: the class of the nearest training example (Cover & Hart, 1967)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.data import Data
from trainables.probe.evidence import Neighbours
from trainables.probe.sample import chosen

TRAIN, VALIDATION = 1500, 500
LARGEST = 20_000
"""Numbers per example beyond which the distances would take seconds."""


def agreement(data: Data) -> Neighbours | None:
    """How often the nearest of `TRAIN` training examples has the same class; None without arrays of classed vectors."""
    if not isinstance(data.train, tuple) or not isinstance(data.validation, tuple):
        return None
    if data.labels is None or data.validation_labels is None or len(data.train) < 2:
        return None
    rows, others = chosen(len(data.train[0]), TRAIN), chosen(len(data.validation[0]), VALIDATION)
    known, asked = _vectors(data.train[:-1], rows), _vectors(data.validation[:-1], others)
    if known is None or asked is None or known.shape[1] != asked.shape[1] or known.shape[1] > LARGEST:
        return None
    labels, asked_labels = np.asarray(data.labels)[rows], np.asarray(data.validation_labels)[others]
    within = torch.cdist(known, known).fill_diagonal_(torch.inf)
    across = torch.cdist(asked, known)
    return Neighbours(
        train=_hits(within, labels, labels),
        validation=_hits(across, labels, asked_labels),
        chance=_chance(labels, asked_labels),
        compared=len(others),
    )


def _vectors(arrays: tuple[Any, ...], rows: NDArray[Any]) -> Tensor | None:
    parts = [torch.as_tensor(array)[torch.from_numpy(rows)].reshape(len(rows), -1).float() for array in arrays]
    joined = torch.cat(parts, dim=1)
    return joined if bool(torch.isfinite(joined).all()) else None


def _hits(distances: Tensor, labels: NDArray[Any], own: NDArray[Any]) -> float:
    return float(np.mean(labels[distances.argmin(dim=1).numpy()] == own))


def _chance(labels: NDArray[Any], others: NDArray[Any]) -> float:
    return float(sum(np.mean(labels == one) * np.mean(others == one) for one in np.unique(labels)))
