"""Early stopping of a stage (``EarlyStopping`` with ``patience``), with the weights of its best epoch."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

from torch import nn

from trainables.errors import TaskError

WATCHED = "val_loss"


class Patience:
    """Early stopping on ``val_loss`` within a stage, after ``limit`` epochs without a better one (None: never)."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._best: dict[str, Any] | None = None

    def see(self, done: int, metrics: Mapping[str, float], model: nn.Module) -> None:
        """Record the ``metrics`` of ``model`` after ``done`` epochs of the stage, and its weights if they are the best.

        Raises:
            TaskError: there is no ``val_loss``.
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
        """Whether the last ``limit`` of ``done`` epochs were no better than one before."""
        return self._limit is not None and self._best is not None and done - self._best["done"] >= self._limit

    def restore(self, model: nn.Module) -> dict[str, float]:
        """Load the best weights into ``model`` and return their metrics; for when patience ran out."""
        if self._best is None:
            raise RuntimeError("patience cannot run out before it has seen an epoch")
        model.load_state_dict(self._best["model"])
        return dict(self._best["metrics"])

    def begin_stage(self) -> None:
        """Reset at the begin of a stage."""
        self._best = None

    def state_dict(self) -> dict[str, Any]:
        """The best epoch of the stage so far: its number, metrics and weights."""
        return {"best": self._best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state``."""
        self._best = state["best"]
