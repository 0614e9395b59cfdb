"""Probe that overfits one batch (Lightning: ``overfit_batches``): its final loss, and the parameters' gradients."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.optim import Adam, Optimizer

from trainables.data import Data
from trainables.exits import caught
from trainables.loader import AnyBatch, size_of
from trainables.probe.clock import Clock
from trainables.probe.evidence import LearningEvidence, fall
from trainables.probe.learning.first_steps import device, fresh, loss_of, one_batch
from trainables.recipe import Recipe
from trainables.task import Task

STEPS, FEWEST = 80, 25
"""Steps on the batch at most, and at least."""
LEARNT, CLEAR = 0.7, 0.1
"""A batch counts as learnt once its loss fell by the first fraction of its start, by the second if it began below 0."""
STOP = 0.85
"""Fraction of the loss's start after whose fall the steps end early."""
RATES = (1e-3, 1e-2)
"""Learning rates of plain Adam, which is tried if the config's own optimizer does not learn the batch."""


def learn(task: Task, data: Data, config: Mapping[str, Any], seconds: float) -> LearningEvidence:
    """Train on one batch for `STEPS` steps, with the optimizer of ``config``, and with plain Adam if that fails.

    All attempts take about ``seconds`` together, or `FEWEST` steps each.

    Raises:
        TaskError: a mistake in the config, the model or the loss.
    """
    recipe, on = Recipe.parse(config), device()
    examples, model = one_batch(task, data.unpacked(), on), fresh(task, config, on)
    optimizer = recipe.build_optimizer(model)  # The first imports torch's compiler, for seconds that must not count.
    heart = _OneBatch(task, examples, config, Clock(seconds))
    found = heart.train(model, optimizer, f"{recipe.optimizer}, lr {recipe.lr:.3g}")
    for rate in RATES:
        if fall(found.before, found.after) > (LEARNT if found.before > 0 else CLEAR) or not found.connected:
            break
        other = heart.try_adam(fresh(task, config, on), rate)
        if other is not None and not found.after <= other.after:
            found = other
    return found


class _Watch:
    """Record of a model's parameters and gradients during training."""

    def __init__(self, model: nn.Module) -> None:
        self._named = dict(model.named_parameters())
        self._start = {name: p.detach().clone() for name, p in self._named.items() if p.requires_grad}
        self._with_gradient: set[str] = set()
        self._broken: set[str] = set()

    def see(self) -> bool:
        """Record the gradients; returns whether all are finite."""
        self._with_gradient |= {name for name in self._start if self._named[name].grad is not None}
        self._broken |= {n for n in self._with_gradient if not bool(torch.isfinite(_gradient(self._named[n])).all())}
        return not self._broken

    def names(self, steps: int) -> dict[str, Any]:
        """The fields of `LearningEvidence` that name parameters, and whether any has a gradient, after ``steps``."""
        moved = {name for name, start in self._start.items() if not torch.equal(self._named[name].detach(), start)}
        groups = {
            "frozen": self._named.keys() - self._start.keys(),
            "silent": self._start.keys() - self._with_gradient,
            "unchanged": self._with_gradient - self._broken - moved if steps else set(),
            "broken": self._broken,
        }
        named = {field: tuple(name for name in self._named if name in group) for field, group in groups.items()}
        return {**named, "connected": bool(self._with_gradient)}


@dataclass(frozen=True)
class _OneBatch:
    """The overfitting of one batch."""

    task: Task
    examples: AnyBatch
    config: Mapping[str, Any]
    clock: Clock

    def train(self, model: nn.Module, optimizer: Optimizer, by: str) -> LearningEvidence:
        """Train ``model`` on the batch for `STEPS` steps, or until it is learnt or the time is up."""
        if any(isinstance(parameter, UninitializedParameter) for parameter in model.parameters()):
            with torch.no_grad():  # The first batch gives lazy parameters their shapes.
                loss_of(self.task, model.train(), self.examples, self.config)
        watch, began = _Watch(model), time.perf_counter()
        losses = self._losses(model.train(), optimizer, watch)
        seconds = time.perf_counter() - began
        return LearningEvidence(
            before=losses[0],
            after=min(losses) if math.isfinite(losses[-1]) else losses[-1],
            steps=len(losses) - 1,
            by=by,
            rate=seconds / len(losses) / size_of(self.examples),
            **watch.names(len(losses) - 1),
        )

    def try_adam(self, model: nn.Module, rate: float) -> LearningEvidence | None:
        """The same with plain Adam; None if it does not support the model, as with sparse gradients."""
        try:
            adam = Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
            return self.train(model, adam, f"adam, lr {rate:.3g}")
        except Exception:
            return None

    def _losses(self, model: nn.Module, optimizer: Optimizer, watch: _Watch) -> list[float]:
        losses: list[float] = []
        while len(losses) < FEWEST or (len(losses) < STEPS and not self.clock.over):
            loss = loss_of(self.task, model, self.examples, self.config)
            losses.append(float(loss.detach()))
            if not loss.requires_grad:
                break
            optimizer.zero_grad()
            with caught("the gradient of loss()"):
                loss.backward()  # type: ignore[no-untyped-call]
            if not watch.see() or not math.isfinite(losses[-1]):
                break
            if losses[0] > 0 and fall(losses[0], losses[-1]) > STOP:
                break
            optimizer.step()
        return losses


def _gradient(parameter: nn.Parameter) -> Tensor:
    gradient = parameter.grad
    if gradient is None:
        return torch.zeros(())
    return gradient.coalesce().values() if gradient.is_sparse else gradient
