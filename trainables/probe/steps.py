"""An untrained model on one batch: its first loss, its gradients, and whether it can learn that batch by heart."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from trainables.data import Batch, Data, length
from trainables.errors import TaskError
from trainables.probe.clock import Clock
from trainables.probe.contents import has_own_loss
from trainables.probe.evidence import FirstEvidence, LearningEvidence
from trainables.probe.sample import batch, chosen
from trainables.recipe import Recipe
from trainables.seeding import INITIALIZATION, seed_all
from trainables.task import Task

EXAMPLES, TRIED = 64, 8
"""Training examples of the batch, and validation examples that tell the metrics' names: some decode for long."""
STEPS, FEWEST = 80, 10
"""Steps on the batch at most, and at least."""
LEARNT = 0.3
"""A batch counts as learnt once the loss is below this share of its start."""
RATES = (1e-3, 1e-2)
"""Learning rates of the plain Adam that is tried where the config's own optimizer does not learn the batch."""


def device() -> torch.device:
    """Where trials train: the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def first(task: Task, data: Data, config: Mapping[str, Any], on: torch.device) -> FirstEvidence:
    """The loss of an untrained model, and the names of its metrics (as they are reported, with ``val_``)."""
    data = data.unpacked()
    labels, own = data.labels, has_own_loss(task)
    classes = None if labels is None else len(np.unique(np.asarray(labels)))
    try:
        model = fresh(task, config, on)
        examples = _one(data, on)
        with torch.no_grad():
            loss = scalar(task.loss(model.train(), examples, config))
            model.eval()
            held_out = batch(data.validation, chosen(length(data.validation), TRIED), on)
            names = tuple(f"val_{name}" for name in reported(task, model, held_out, config))
        variance = None if classes is not None else _variance(examples[-1])
        return FirstEvidence(float(loss.detach()), classes, variance, own, ("train_loss", *names))
    except Exception as error:
        said = str(error) if isinstance(error, TaskError) else f"{type(error).__name__}: {error}"
        return FirstEvidence(None, classes, None, own, (), said)


def learn(task: Task, data: Data, config: Mapping[str, Any], clock: Clock) -> LearningEvidence:
    """Train on one batch for `STEPS` steps: with the optimizer of ``config``, then, where that fails, with plain Adam.

    Raises:
        TaskError: the config, the model or the loss is at fault.
    """
    recipe, on = Recipe.parse(config), device()
    heart = _ByHeart(task, _one(data.unpacked(), on), config, clock)
    model = fresh(task, config, on)
    found = heart.train(model, recipe.build_optimizer(model), f"{recipe.optimizer}, lr {recipe.lr:.3g}")
    for rate in RATES:
        if found.after < found.before * LEARNT or not found.connected or clock.over:
            break
        model = fresh(task, config, on)
        adam = Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
        other = heart.train(model, adam, f"adam, lr {rate:.3g}")
        if not found.after <= other.after:
            found = other
    return found


def fresh(task: Task, config: Mapping[str, Any], on: torch.device) -> nn.Module:
    """A new model with the same initial weights each time.

    Raises:
        TaskError: ``model(config)`` fails, or returns something else.
    """
    seed_all(0, INITIALIZATION)
    model = task.model(config)
    if not isinstance(model, nn.Module):
        raise TaskError(f"model(config) returned a {type(model).__name__}; return a torch.nn.Module")
    return model.to(on)


def reported(task: Task, model: nn.Module, examples: Batch, config: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of one batch, as a task reports them (without ``val_``) that has no other examples."""
    means = {name: float(value) for name, value in task.metrics(model, examples, config).items()}
    return dict(task.summary(means, len(examples[-1])))


def scalar(loss: Any) -> Tensor:
    """``loss``, if it is one number. Raises TaskError otherwise."""
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise TaskError(f"loss() returned {what}; return a scalar tensor, e.g. with .mean()")
    return loss


def _one(data: Data, on: torch.device) -> Batch:
    return batch(data.train, chosen(length(data.train), EXAMPLES), on)


class _Watch:
    """What becomes of the parameters of a model while it trains."""

    def __init__(self, model: nn.Module) -> None:
        self._named = dict(model.named_parameters())
        self._start = {name: p.detach().clone() for name, p in self._named.items() if p.requires_grad}
        self._heard: set[str] = set()
        self._broken: set[str] = set()

    def see(self) -> bool:
        """Look at the gradients; whether all are finite."""
        self._heard |= {name for name in self._start if self._named[name].grad is not None}
        self._broken |= {n for n in self._heard if not bool(torch.isfinite(_gradient(self._named[n])).all())}
        return not self._broken

    def names(self) -> dict[str, Any]:
        """The fields of `LearningEvidence` that name parameters, and whether any has a gradient."""
        moved = {name for name, start in self._start.items() if not torch.equal(self._named[name].detach(), start)}
        groups = {
            "frozen": self._named.keys() - self._start.keys(),
            "silent": self._start.keys() - self._heard,
            "unchanged": self._heard - self._broken - moved,
            "broken": self._broken,
        }
        named = {field: tuple(name for name in self._named if name in group) for field, group in groups.items()}
        return {**named, "connected": bool(self._heard)}


@dataclass(frozen=True)
class _ByHeart:
    """One batch, learnt by heart."""

    task: Task
    examples: Batch
    config: Mapping[str, Any]
    clock: Clock

    def train(self, model: nn.Module, optimizer: Optimizer, by: str) -> LearningEvidence:
        """Train ``model`` on it for `STEPS` steps, or until it is learnt or the time is over."""
        watch, began = _Watch(model), time.perf_counter()
        losses = self._losses(model.train(), optimizer, watch)
        seconds = time.perf_counter() - began
        return LearningEvidence(
            before=losses[0],
            after=min(losses) if math.isfinite(losses[-1]) else losses[-1],
            steps=len(losses) - 1,
            by=by,
            rate=seconds / len(losses) / len(self.examples[-1]),
            **watch.names(),
        )

    def _losses(self, model: nn.Module, optimizer: Optimizer, watch: _Watch) -> list[float]:
        losses: list[float] = []
        while len(losses) < FEWEST or (len(losses) < STEPS and not self.clock.over):
            loss = scalar(self.task.loss(model, self.examples, self.config))
            losses.append(float(loss.detach()))
            if not loss.requires_grad:
                break
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            if not watch.see() or not math.isfinite(losses[-1]) or losses[-1] < losses[0] * LEARNT / 2:
                break
            optimizer.step()
        return losses


def _gradient(parameter: nn.Parameter) -> Tensor:
    gradient = parameter.grad
    if gradient is None:
        return torch.zeros(())
    return gradient.coalesce().values() if gradient.is_sparse else gradient


def _variance(target: Tensor) -> float | None:
    return float(target.double().var(unbiased=False)) if target.is_floating_point() else None
