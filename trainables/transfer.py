"""``transfer``: the values that a stage trains with in place of the config's, by its fraction of the data.

Such as a smaller batch on less data, so that a coarse stage makes more optimizer steps. Neither Ray nor torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.stages import Plan

KEYS = ("batch_size", "lr", "weight_decay", "l1")
"""The keys of the recipe that may change from stage to stage while the weights go on."""


def trained(plan: Plan, stage: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """The values that ``stage`` trains with, ``value * fraction ** exponent`` of each key of the plan's ``transfer``.

    Whole numbers are rounded and stay at least 2, or what they are: batch norm cannot train on one example. A
    ``batch_size`` stays a multiple of ``accumulate``. A key that the config does not have is left out.

    >>> from trainables.stages import Plan, Stage
    >>> from trainables.transfer import trained
    >>> plan = Plan((Stage(0.25, 4), Stage(1.0, 8)), transfer=(("batch_size", 0.5), ("lr", 0.25)))
    >>> trained(plan, 0, {"batch_size": 65, "lr": 0.1, "hidden": 8})
    {'batch_size': 32, 'lr': 0.07071067811865475}
    >>> trained(plan, 1, {"batch_size": 65, "lr": 0.1, "hidden": 8})
    {'batch_size': 65, 'lr': 0.1}
    """
    fraction = plan[stage].data
    found = {key: _scaled(config[key], fraction**exponent) for key, exponent in plan.transfer if key in config}
    pieces = config.get("accumulate", 1)
    if "batch_size" in found and found["batch_size"] != config["batch_size"] and pieces > 1:
        found["batch_size"] = max(1, round(found["batch_size"] / pieces)) * pieces
    return found


def _scaled(value: float, factor: float) -> float:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if factor == 1.0 else max(min(2, value), round(value * factor))
    return value * factor
