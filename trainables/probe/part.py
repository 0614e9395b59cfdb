"""The probes' view of a distributed trial: one of its processes, with its rows of each batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trainables.errors import TaskError
from trainables.probe.evidence import Question
from trainables.recipe import Recipe


def part(question: Question) -> Question:
    """``question`` with the batch size of one of its processes in every config; see `rows_of_one`."""
    if question.processes == 1:
        return question

    def own(config: Mapping[str, Any]) -> dict[str, Any]:
        return rows_of_one(config, question.processes)

    corners = tuple(replace(corner, config=own(corner.config)) for corner in question.corners)
    return replace(question, given=replace(question.given, config=own(question.given.config)), corners=corners)


def rows_of_one(config: Mapping[str, Any], processes: int) -> dict[str, Any]:
    """``config`` with the batch size of one of ``processes``, at least two rows, and the learning rate of the whole.

    A config with an invalid recipe is returned as it is, as its error is reported later.
    """
    try:
        recipe = Recipe.parse(config)
    except TaskError:
        return dict(config)
    fewest = 1 if recipe.accumulate > 1 else 2  # Of each micro-batch, which is sharded over the processes.
    rows = max(fewest, math.ceil(recipe.batch_size / recipe.accumulate / processes))
    alone = dict(config) | {"batch_size": min(recipe.batch_size, recipe.accumulate * rows)}
    if recipe.lr_scaling != "none":
        alone |= {"lr": recipe.peak, "lr_scaling": "none"}
        alone.pop("base_batch_size", None)
    return alone
