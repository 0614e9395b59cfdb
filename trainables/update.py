"""An update: what one batch does to a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from trainables.data import Batch
from trainables.errors import TaskError
from trainables.precision import Precision
from trainables.recipe import Recipe
from trainables.recipe.optimizers import add_l1, weights
from trainables.task import Task


class Update:
    """Steps of ``optimizer`` on batches, each as a whole or in micro-batches.

    The loss of a batch of n examples is the mean of its micro-batches' losses, weighted with their examples: the same
    as of the whole batch wherever that is a mean over examples, up to rounding and to batch norm, which sees a
    micro-batch at a time. The gradient is clipped first; L1 and L2 penalties come after that.
    """

    def __init__(self, task: Task, config: Mapping[str, Any], recipe: Recipe, precision: Precision) -> None:
        self._task = task
        self._config = config
        self._precision = precision
        self._pieces, self._clip, self._l1 = recipe.accumulate, recipe.clip_norm, recipe.l1
        self._size = recipe.batch_size // recipe.accumulate
        self._touches = self._clip is not None or self._l1 > 0

    def __call__(self, model: nn.Module, optimizer: Optimizer, batch: Batch) -> Tensor:
        """One step on ``batch``; returns its mean loss without penalties, a scalar on the device.

        Raises:
            TaskError: the task's loss is not a scalar.
        """
        optimizer.zero_grad()
        loss = self._gradient(model, batch) if self._pieces == 1 else self._accumulated(model, batch)
        if self._touches:
            self._treat(model, optimizer)
        self._precision.step(optimizer)
        return loss

    def _gradient(self, model: nn.Module, batch: Batch, share: float = 1.0) -> Tensor:
        with self._precision.autocast():
            loss = self._task.loss(model, batch, self._config)
        if not isinstance(loss, Tensor) or loss.ndim != 0:
            raise TaskError(f"loss() returned {_describe(loss)}; return a scalar tensor, e.g. with .mean()")
        if share != 1.0:
            loss = loss * share
        self._precision.backward(loss)
        return loss.detach()

    def _accumulated(self, model: nn.Module, batch: Batch) -> Tensor:
        size = len(batch[-1])
        parts = [self._gradient(model, piece, len(piece[-1]) / size) for piece in self._micro(batch)]
        loss = parts[0]
        for part in parts[1:]:
            loss = loss + part
        return loss

    def _micro(self, batch: Batch) -> Iterator[Batch]:
        size = len(batch[-1])
        count = -(-size // self._size)
        if self._size > 1:
            # A ragged batch is cut evenly, so that no piece is a single example, which batch norm cannot train on.
            count = min(count, max(1, size // 2))
        yield from zip(*(part.tensor_split(count) for part in batch), strict=True)

    def _treat(self, model: nn.Module, optimizer: Optimizer) -> None:
        self._precision.unscale(optimizer)
        if self._clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), self._clip)
        if self._l1 > 0:
            add_l1(weights(model), self._l1)


def _describe(value: object) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
