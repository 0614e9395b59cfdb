"""Flat configs: ``{"optimizer": {"lr": 0.1}}`` is ``{"optimizer/lr": 0.1}``, as by Ray Tune's ``flatten_dict``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SEPARATOR = "/"


def flatten(nested: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves of ``nested`` by their path; a flat mapping comes back as it is, an empty mapping is a leaf."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            flat.update({f"{key}{SEPARATOR}{below}": leaf for below, leaf in flatten(value).items()})
        else:
            flat[str(key)] = value
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flatten`.

    Raises:
        ValueError: a name has both a value and further names below it, e.g. ``a`` and ``a/b``.
    """
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *folders, leaf = name.split(SEPARATOR)
        place = nested
        for folder in folders:
            place = place.setdefault(folder, {})
            if not isinstance(place, dict):
                raise ValueError(f"{name!r} lies under {folder!r}, which is a value itself; rename one of them")
        if leaf in place:
            raise ValueError(f"{name!r} is both a value and a folder of others; rename one of them")
        place[leaf] = value
    return nested
