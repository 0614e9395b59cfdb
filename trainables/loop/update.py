"""`Update`: one optimizer step on a batch, with gradient accumulation, clipping and penalties."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from trainables.errors import TaskError
from trainables.exits import caught
from trainables.loader import AnyBatch, Collated, size_of
from trainables.loop.precision import Precision
from trainables.recipe import Recipe
from trainables.recipe.optimizers import add_l1, weights
from trainables.task import Task

ALONE = "more than 1 value per channel"
"""Part of torch's message where batch norm would train on one value per channel."""


class Update:
    """Optimizer steps on batches, each as a whole or in micro-batches (gradient accumulation).

    The loss of a batch is the mean of its micro-batches' losses, weighted by their examples. That is the loss of the
    whole batch if it is a mean over examples, up to rounding and to batch norm, whose statistics are a micro-batch's.
    The gradient is clipped first; L1 and L2 penalties come after that. During a step the optimizer's options in
    ``scales`` are so many times what they are before and after it, so that optimizer and schedule know nothing of them.
    """

    def __init__(
        self,
        task: Task,
        config: Mapping[str, Any],
        recipe: Recipe,
        precision: Precision,
        scales: Mapping[str, float] | None = None,
    ) -> None:
        self._task = task
        self._scales = scales or {}
        self._config = config
        self._precision = precision
        self._recipe, self._clip, self._l1 = recipe, recipe.clip_norm, recipe.l1
        self._whole, self._size = recipe.batch_size, recipe.batch_size // recipe.accumulate
        self._touches = self._clip is not None or self._l1 > 0

    def __call__(self, model: nn.Module, optimizer: Optimizer, batch: AnyBatch) -> Tensor:
        """One step on ``batch``; returns its mean loss without penalties, a scalar on the device.

        Raises:
            TaskError: the task's loss is not a scalar, or batch norm is to train on a single example.
        """
        optimizer.zero_grad()
        cut = self._recipe.accumulate > 1 or isinstance(batch, Collated)
        loss = self._accumulated(model, batch) if cut else self._gradient(model, batch, size_of(batch))
        if self._touches:
            self._treat(model, optimizer)
        if self._scales:
            with _scaled(optimizer, self._scales):
                self._precision.step(optimizer)
        else:
            self._precision.step(optimizer)
        return loss

    def _gradient(self, model: nn.Module, batch: Any, size: int, fraction: float = 1.0) -> Tensor:
        try:
            with caught("loss()"), self._precision.autocast():
                loss = self._task.loss(model, batch, copy.deepcopy(self._config))
        except ValueError as error:
            if size == 1 and ALONE in str(error):
                raise self._alone() from error
            raise
        if not isinstance(loss, Tensor) or loss.ndim != 0 or loss.is_complex():
            raise TaskError(f"loss() returned {_describe(loss)}", "return a scalar tensor, e.g. with .mean()")
        if fraction != 1.0:
            loss = loss * fraction
        with caught("the gradient of loss()"):
            self._precision.backward(loss)
        return loss.detach()

    def _alone(self) -> TaskError:
        what = "batch norm cannot train on a single example"
        if self._size > 1:
            return TaskError(f"{what}, and this stage has no more", "raise its data")
        if self._whole > 1:
            most = max(pieces for pieces in range(1, self._whole // 2 + 1) if self._whole % pieces == 0)
            return TaskError(
                f"{what}, and batch_size {self._whole} with accumulate {self._recipe.accumulate} leaves one each time",
                f"use accumulate {most} or less, or raise batch_size",
            )
        return TaskError(f"{what}, and batch_size is 1", "raise it")

    def _accumulated(self, model: nn.Module, batch: AnyBatch) -> Tensor:
        whole = size_of(batch)
        parts = [self._gradient(model, piece, size, size / whole) for piece, size in self._micro(batch)]
        loss = parts[0]
        for part in parts[1:]:
            loss = loss + part
        return loss

    def _micro(self, batch: AnyBatch) -> Iterator[tuple[Any, int]]:
        """The micro-batches of ``batch``, each with its number of examples."""
        if isinstance(batch, Collated):
            yield from zip(batch.parts, batch.sizes, strict=True)
            return
        count = self._recipe.micro_batches(size_of(batch))
        for piece in zip(*(part.tensor_split(count) for part in batch), strict=True):
            yield piece, len(piece[-1])

    def _treat(self, model: nn.Module, optimizer: Optimizer) -> None:
        self._precision.unscale(optimizer)
        if self._clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), self._clip)
        if self._l1 > 0:
            add_l1(weights(model), self._l1)


def scales(own: Recipe, full: Recipe) -> dict[str, float]:
    """How many times those of the ``full`` recipe the optimizer's options of a stage's ``own`` are; no ratios of 1."""
    ratios = {"lr": own.peak / full.peak, "weight_decay": own.weight_decay / (full.weight_decay or 1.0)}
    alike = {"lr": own.peak == full.peak, "weight_decay": own.weight_decay == full.weight_decay}
    return {name: ratio for name, ratio in ratios.items() if not alike[name]}


@contextmanager
def _scaled(optimizer: Optimizer, scales: Mapping[str, float]) -> Iterator[None]:
    before = [{name: group[name] for name in scales} for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group.update({name: group[name] * scale for name, scale in scales.items()})
    try:
        yield
    finally:
        for group, kept in zip(optimizer.param_groups, before, strict=True):
            group.update(kept)


def _describe(value: object) -> str:
    if isinstance(value, Tensor) and value.is_complex():
        return "a complex tensor"
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
