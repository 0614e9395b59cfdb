"""Probe of labels by the nearest-neighbour classifier (Cover & Hart, 1967), which needs no training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.data import Data
from trainables.probe.evidence import Neighbours
from trainables.probe.examples.sample import IGNORED, chosen

TRAIN, VALIDATION = 1500, 500
LARGEST = 20_000
"""Most numbers per example; distances of larger ones take seconds."""


def agreement(data: Data) -> Neighbours | None:
    """Accuracy of the nearest neighbour among `TRAIN` training examples; None unless data are arrays with classes."""
    if not isinstance(data.train, tuple) or not isinstance(data.validation, tuple):
        return None
    if data.labels is None or data.validation_labels is None or len(data.train) < 2:
        return None
    rows, others = _classed(data.labels, TRAIN), _classed(data.validation_labels, VALIDATION)
    if len(rows) == 0 or len(others) == 0:
        return None
    if data.ragged:
        return None
    known, asked = _vectors(data.train[:-1], rows), _vectors(data.validation[:-1], others)
    if known is None or asked is None or known.shape[1] != asked.shape[1] or known.shape[1] > LARGEST:
        return None
    labels, asked_labels = np.asarray(data.labels)[rows], np.asarray(data.validation_labels)[others]
    within, across = torch.cdist(known, known).masked_fill(_same(known), torch.inf), torch.cdist(asked, known)
    met = ~torch.isinf(within).all(dim=1)
    if not bool(met.any()):
        return None
    return Neighbours(
        train=_hits(within, labels, labels)[met.numpy()].mean().item(),
        validation=_hits(across, labels, asked_labels).mean().item(),
        chance=_chance(labels, asked_labels),
        compared=len(others),
        within=len(set(_keys(known))),
        farther=_nearest(across) / max(_nearest(within[met]), 1e-12),
    )


def _classed(labels: Any, most: int) -> NDArray[Any]:
    classed = np.flatnonzero(np.asarray(labels) != IGNORED)
    return classed[chosen(len(classed), most)]


def _vectors(arrays: tuple[Any, ...], rows: NDArray[Any]) -> Tensor | None:
    parts = [torch.as_tensor(array)[torch.from_numpy(rows)].reshape(len(rows), -1).float() for array in arrays]
    joined = torch.cat(parts, dim=1)
    return joined if bool(torch.isfinite(joined).all()) else None


def _keys(known: Tensor) -> list[bytes]:
    return [row.tobytes() for row in known.numpy()]


def _same(known: Tensor) -> Tensor:
    """Whether two rows are the same example, which oversampling repeats and which is no neighbour of itself."""
    numbers: dict[bytes, int] = {}
    each = torch.tensor([numbers.setdefault(key, len(numbers)) for key in _keys(known)])
    return each[:, None] == each[None, :]


def _nearest(distances: Tensor) -> float:
    return float(distances.amin(dim=1).median())


def _hits(distances: Tensor, labels: NDArray[Any], own: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(labels[distances.argmin(dim=1).numpy()] == own)


def _chance(labels: NDArray[Any], others: NDArray[Any]) -> float:
    return float(sum(np.mean(labels == one) * np.mean(others == one) for one in np.unique(labels)))
