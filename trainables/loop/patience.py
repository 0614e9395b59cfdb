"""Patience: a stage that no longer gets better on the validation data ends early, with its best weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

from torch import nn

from trainables.errors import TaskError

WATCHED = "val_loss"


class Patience:
    """Watches ``val_loss`` within a stage for the recipe's ``patience`` (None: never runs out)."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._best: dict[str, Any] | None = None

    def see(self, done: int, metrics: Mapping[str, float], model: nn.Module) -> None:
        """Note the ``metrics`` of ``model`` after ``done`` epochs of the stage, and its weights if they are the best.

        Raises:
            TaskError: there is no ``val_loss`` to watch.
        """
        if self._limit is None:
            return
        if WATCHED not in metrics:
            raise TaskError(
                f"patience is {self._limit}, but the task reports no {WATCHED}, only {', '.join(sorted(metrics))}",
                "return a loss from metrics() or leave patience out",
            )
        least = math.inf if self._best is None else self._best["metrics"][WATCHED]
        if self._best is None or metrics[WATCHED] < least:
            self._best = {"done": done, "metrics": dict(metrics), "model": copy.deepcopy(model.state_dict())}

    def ran_out(self, done: int) -> bool:
        """Whether the last epochs of the ``done`` ones, as many as the limit, brought nothing better."""
        return self._limit is not None and self._best is not None and done - self._best["done"] >= self._limit

    def restore(self, model: nn.Module) -> dict[str, float]:
        """Give ``model`` the best weights and return their metrics; to be called when patience ran out."""
        if self._best is None:
            raise RuntimeError("patience cannot run out before it has seen an epoch")
        model.load_state_dict(self._best["model"])
        return dict(self._best["metrics"])

    def begin_stage(self) -> None:
        """Forget the stage before."""
        self._best = None

    def state_dict(self) -> dict[str, Any]:
        """The best epoch of the stage so far: its number, metrics and weights."""
        return {"best": self._best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self._best = state["best"]
