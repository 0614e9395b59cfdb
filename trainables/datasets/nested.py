"""Nested batches: tensors in tuples, dicts, dataclasses and objects, and their move to a device."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

TARGETS = ("labels", "label", "targets", "target", "y")
"""Names, one of which a dict's target has for the default `Task.loss`."""


def mapped(batch: Any, change: Callable[[Tensor], Tensor], other: Callable[[Any], Any] | None = None) -> Any:
    """``batch`` with ``change`` of each tensor in it, and with ``other`` of each object that has a ``to`` like them.

    What holds neither is handed on as it is.
    """
    if isinstance(batch, Tensor):
        return change(batch)
    if hasattr(batch, "to"):
        return batch if other is None else other(batch)
    if isinstance(batch, Mapping):
        changed = {key: mapped(value, change, other) for key, value in batch.items()}
        return changed if type(batch) is dict else _like(batch, changed)
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(mapped(part, change, other) for part in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(mapped(part, change, other) for part in batch)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        fields = [field.name for field in dataclasses.fields(batch) if field.init]
        return dataclasses.replace(batch, **{name: mapped(getattr(batch, name), change, other) for name in fields})
    return batch


def moved(batch: Any, device: torch.device) -> Any:
    """``batch`` on ``device``: its tensors, and by their own ``to`` objects that have one, as packed sequences do."""
    return mapped(batch, lambda tensor: tensor.to(device, non_blocking=True), lambda held: held.to(device))


def leaves(item: Any) -> list[Any]:
    """What is in ``item`` and no tuple, list or dict itself, in order."""
    if isinstance(item, Mapping):
        return [leaf for value in item.values() for leaf in leaves(value)]
    if isinstance(item, (tuple, list)):
        return [leaf for value in item for leaf in leaves(value)]
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return [leaf for field in dataclasses.fields(item) for leaf in leaves(getattr(item, field.name))]
    return [item]


def target_key(batch: Mapping[Any, Any]) -> str | None:
    """The key of the target in ``batch``: the one of `TARGETS` that is there; None if none or several are."""
    there = [name for name in TARGETS if name in batch]
    return there[0] if len(there) == 1 else None


def parted(batch: Any) -> tuple[Any, Any]:
    """(inputs, target) of an item or a batch: of a tuple the last is the target, of a dict see `target_key`.

    The target is None where it cannot be told.
    """
    if isinstance(batch, Mapping):
        key = target_key(batch)
        return {name: value for name, value in batch.items() if name != key}, batch[key] if key else None
    if isinstance(batch, (tuple, list)) and not isinstance(batch, PackedSequence) and len(batch) > 1:
        return tuple(cast("Sequence[Any]", batch)[:-1]), batch[-1]
    return batch, None


def _like(batch: Mapping[Any, Any], changed: dict[Any, Any]) -> Any:
    """A mapping of the class of ``batch``, as `collections.OrderedDict` or transformers' ``BatchEncoding``."""
    try:
        return type(batch)(changed)  # type: ignore[call-arg]
    except TypeError:
        return changed
